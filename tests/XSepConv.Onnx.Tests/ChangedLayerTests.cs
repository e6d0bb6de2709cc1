using System.Reflection;
using Microsoft.ML.OnnxRuntime;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>Whatever can be set on a layer in a block or network is exported as torch obeys it, or refused.</summary>
public sealed class ChangedLayerTests
{
    private static readonly (int Height, int Width) Size = (13, 9);

    public static TheoryData<string> Names() => [.. Small.Modules.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_setting_of_every_layer_is_exported_as_it_runs_or_refused(string name)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var make = Small.Modules[name];
        var x = randn(2, Small.In, Size.Height, Size.Width);
        var (agreed, refused) = (new List<string>(), new List<string>());
        using var probe = make();
        foreach (var layers in Layers(probe))
        {
            foreach (var (what, change) in Changes(probe.named_modules().First(entry => layers.Contains(entry.name)).module))
            {
                using var module = Randomised.Eval(make(), 7);
                var label = $"{name}: {string.Join(", ", layers)}: {what}";
                try
                {
                    foreach (var (path, layer) in module.named_modules().Where(entry => layers.Contains(entry.name))) change(layer);
                    module.to(ScalarType.Float64);
                }
                catch (Exception e) when (e is TargetInvocationException or NullReferenceException)
                {
                    // A setter of torch's own does not take it.
                    continue;
                }

                if (Reference(module, x) is not { } expected) continue;
                module.to(ScalarType.Float32);
                byte[] file;
                try
                {
                    file = OnnxRuntime.Export(module, new() { Size = Size });
                }
                catch (Exception e) when (e is NotSupportedException or ArgumentException or InvalidOperationException)
                {
                    refused.Add($"{label}: {e.Message}");
                    continue;
                }

                using var runtime = new OnnxRuntime(file, GraphOptimizationLevel.ORT_DISABLE_ALL);
                Agreement.Compare(expected, runtime.Run(x), Agreement.Bound, label);
                agreed.Add(label);
            }
        }

        // Only the padding that ONNX has no word for, and gates and sums of other shapes that torch spreads out.
        string[] reasons = ["padding mode is Circular", "output_size", "not of one shape"];
        Assert.All(refused, text => Assert.True(reasons.Any(text.Contains), text));
        Assert.True(agreed.Count >= 12, $"only {string.Join("; ", agreed)}");
    }

    // All layers of a class at once; and alone the first two, into which padding can go.
    private static IEnumerable<string[]> Layers(nn.Module module)
    {
        var named = module.named_modules().Where(entry => entry.name.Length > 0).ToList();
        foreach (var layers in named.GroupBy(entry => entry.module.GetType())) yield return [.. layers.Select(entry => entry.name)];
        foreach (var (name, _) in named.Where(entry => entry.name is "conv1" or "conv2")) yield return [name];
    }

    // What torch does not run has no right answer.
    private static Tensor? Reference(nn.Module<Tensor, Tensor> module, Tensor x)
    {
        try
        {
            return module.call(x.to(ScalarType.Float64));
        }
        catch (Exception)
        {
            return null;
        }
    }

    private static IEnumerable<(string What, Action<nn.Module> Change)> Changes(nn.Module layer)
    {
        foreach (var property in layer.GetType().GetProperties().Where(property => property.SetMethod is { IsPublic: true }))
        {
            foreach (var value in Values(property, layer))
            {
                yield return ($"{property.Name} = {Text(value)}",
                    module => property.SetValue(module, value is Func<object> made ? made() : value));
            }
        }

        if (layer is Conv2d) yield return ("padding[0] + 1", module => ((Conv2d)module).padding![0]++);
        if (layer is Sequential) yield return ("append", module => ((Sequential)module).append(nn.Tanh()));
    }

    private static IEnumerable<object?> Values(PropertyInfo property, nn.Module layer)
    {
        if (property.PropertyType == typeof(Parameter))
        {
            // Of its shape, and of another kernel.
            if (property.GetValue(layer) is not Parameter { shape: var shape }) yield break;
            yield return new Func<object>(() => nn.Parameter(randn(shape)));
            if (shape.Length < 4) yield return null;
            else yield return new Func<object>(() => nn.Parameter(randn(shape[0], shape[1], shape[2] + 1, shape[3] + 1)));
        }
        else if (property.PropertyType == typeof(PaddingModes))
        {
            foreach (var mode in new[] { PaddingModes.Reflect, PaddingModes.Replicate, PaddingModes.Circular }) yield return mode;
        }
        else if (property.PropertyType == typeof(long[]))
        {
            yield return new long[] { 1, 2 };
            yield return property.Name == nameof(AdaptiveAvgPool2d.output_size)
                ? new long[] { Size.Height, Size.Width }
                : new long[] { 2, 2 };
        }
        else if (property.PropertyType == typeof(long))
        {
            yield return 1L;
        }
        else if (property.PropertyType == typeof(double))
        {
            yield return 0.4;
        }
        else if (property.PropertyType == typeof(double?))
        {
            yield return null;
        }
        else if (property.PropertyType == typeof(bool))
        {
            yield return true;
        }
    }

    private static string Text(object? value) => value is long[] numbers ? string.Join('×', numbers) : $"{value ?? "null"}";
}
