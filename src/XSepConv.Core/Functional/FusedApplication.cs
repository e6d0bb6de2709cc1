using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>What the nodes of one <see cref="FusedFunction"/> share. Nothing is thrown in backward: see there.</summary>
internal sealed partial class FusedApplication(FusedOperator operation)
{
    /// <summary>Values of the token, and of its gradient, which is the number of a backward.</summary>
    public const int TokenSize = 2;

    // Of no shape that a gradient of the token may have: the engine refuses it with an error of its own.
    private const int ImpossibleSize = 3;

    // What is counted is exact in float32.
    private const int MostPending = 1 << 20;

    private readonly Dictionary<int, Tensor?[]> _pending = [];
    private int _backwards;
    private bool _isReleased, _isAlarmed;

    public FusedOperator Operator => operation;

    /// <summary>Of the forward only.</summary>
    public Tensor? Alarm { get; set; }

    /// <summary>Keeps the operator's tensors and statistics.</summary>
    public autograd.AutogradContext? Saved { get; set; }

    /// <summary>Keeps the alarm.</summary>
    public autograd.AutogradContext? SavedAlarm { get; set; }

    /// <summary>How many tensors gradients are handed out to.</summary>
    public int Inputs { get; set; }

    /// <summary>Computes and keeps the tensors' gradients of the output's, which is disposed.</summary>
    /// <returns>The token's gradient; null where nothing has come, or where the next node throws.</returns>
    public Tensor? Compute(Tensor outputGradient)
    {
        using var scope = NewDisposeScope();
        try
        {
            if (outputGradient.IsInvalid) return null;
            scope.Attach(outputGradient);
            return _isReleased || Unpack() is not { } saved ? null : Compute(saved, outputGradient).DetachFromDisposeScope();
        }
        catch (Exception exception)
        {
            // libtorch takes no exception of ours, and what it will say of the size is beside the point.
            Trace.TraceError($"The backward of a fused XSepConv operator failed: {exception}");
            Console.Error.WriteLine($"XSepConv: the backward of a fused operator failed: {exception.Message.ReplaceLineEndings(" ")}");
            return FusedMemory.Empty(ImpossibleSize).DetachFromDisposeScope();
        }
    }

    /// <summary>What <see cref="Compute(Tensor)"/> has kept for a token's gradient, which is disposed.</summary>
    public Tensor?[] HandOut(Tensor tokenGradient)
    {
        // libtorch has freed the product's alarm by now if it does, so that the next backward ends there.
        if (!AutogradEngine.KeepsGraph) Release();
        if (tokenGradient.IsInvalid) return new Tensor?[Inputs];
        using (tokenGradient)
        {
            lock (_pending)
            {
                return _pending.Remove((int)tokenGradient[0].item<float>(), out var gradients) ? gradients : new Tensor?[Inputs];
            }
        }
    }

    private Tensor Compute(List<Tensor> saved, Tensor outputGradient)
    {
        var gradient = outputGradient.is_contiguous() ? outputGradient : outputGradient.contiguous();
        var gradients = is_grad_enabled() ? operation.DifferentiableBackward(saved, gradient) : Backward(saved, gradient);
        for (var i = 0; i < gradients.Length; i++)
        {
            gradients[i] = saved[i].requires_grad ? gradients[i]?.DetachFromDisposeScope() : null;
        }

        lock (_pending)
        {
            _backwards = (_backwards + 1) % MostPending;
            _pending[_backwards] = gradients;
            using Scalar number = _backwards;
            return full(TokenSize, number, dtype: ScalarType.Float32, device: CPU);
        }
    }

    // What is kept has room for backward's coefficients too: threads that go through one graph take turns.
    private Tensor?[] Backward(List<Tensor> saved, Tensor outputGradient)
    {
        lock (operation) return operation.Backward(saved, outputGradient);
    }

    // Null, and the alarm raised, where one was changed in place.
    private List<Tensor>? Unpack()
    {
        try
        {
            return Saved!.get_saved_variables();
        }
        catch (Exception exception)
        {
            if (!_isAlarmed) Raise(exception.Message);
            return null;
        }
    }

    // What libtorch says of the alarm shall have the shape of the tensor that was changed.
    private void Raise(string message)
    {
        using var noGrad = no_grad();
        var alarm = SavedAlarm!.get_saved_variables()[0];
        alarm.add_(Scalars.One, Scalars.One);
        _isAlarmed = true;
        var shape = ChangedShape().Match(message);
        if (shape.Success)
        {
            long[] sides = [.. shape.Groups[1].Value.Split(',').Select(size => long.Parse(size, CultureInfo.InvariantCulture))];
            alarm.set_(zeros(1, device: CPU).expand(sides));
        }
    }

    private void Release()
    {
        _isReleased = true;
        Saved?.Dispose();
    }

    [GeneratedRegex(@"\[\w+ \[(\d+(?:, \d+)*)\]\]")]
    private static partial Regex ChangedShape();
}
