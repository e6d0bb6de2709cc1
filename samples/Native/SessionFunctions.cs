using System.Runtime.InteropServices;

namespace XSepConv.Native;

/// <summary>The functions of xsepconv.h about sessions.</summary>
internal static unsafe class SessionFunctions
{
    private const int MostThreads = 1024, LongestSide = 1 << 16;

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_create_session")]
    public static int Create(nint model, int maxBatch, int threads, int height, int width, nint* session)
    {
        try
        {
            Arguments.RequireTarget(session, "session");
            *session = 0;
            *session = Handles.Add(Create(Handles.Find<CompiledModel>(model, "model"), maxBatch, threads, height, width));
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_input_size")]
    public static int InputSize(nint session, int* channels, int* height, int* width)
    {
        try
        {
            var found = Handles.Find<Session>(session, "session");
            Arguments.RequireTarget(channels, "channels");
            Arguments.RequireTarget(height, "height");
            Arguments.RequireTarget(width, "width");
            (*channels, *height, *width) = (found.Model.Spec.InputChannels, found.Network.Height, found.Network.Width);
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_run")]
    public static int Run(nint session, float* nchw, nuint nchwCount, float* logits, nuint logitsCount)
    {
        try
        {
            var found = Handles.Find<Session>(session, "session");
            var images = found.Images(nchw, nchwCount, "nchw", "nchw_count");
            var target = Logits(found, images, logits, logitsCount);
            var source = new ReadOnlySpan<float>(nchw, (int)nchwCount);
            using var turn = found.Take();
            found.Network.Run(source, target);
            Finite.Require(found, target, source);
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_run_bytes")]
    public static int RunBytes(nint session, byte* nhwc, nuint nhwcSize, float* logits, nuint logitsCount)
    {
        try
        {
            var found = Handles.Find<Session>(session, "session");
            RequireData(found.Model);
            var images = found.Images(nhwc, nhwcSize, "nhwc", "nhwc_size");
            var target = Logits(found, images, logits, logitsCount);
            using var turn = found.Take();
            found.Network.Run(new ReadOnlySpan<byte>(nhwc, (int)nhwcSize), target);
            Finite.Require(found, target, []);
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_classify")]
    public static int Classify(nint session, byte* nhwc, nuint nhwcSize, ClassProbability* top, nuint topCount)
    {
        try
        {
            var found = Handles.Find<Session>(session, "session");
            Arguments.RequireClassifier(found.Model);
            RequireData(found.Model);
            var images = (uint)found.Images(nhwc, nhwcSize, "nhwc", "nhwc_size");
            var classes = (uint)found.Model.Spec.NumClasses;
            if (topCount < images || topCount % images != 0 || topCount / images > classes)
            {
                throw CallException.Argument(
                    "top_count",
                    $"is {topCount:N0}; it must be {images:N0} (the pictures) times a number of classes from 1 to {classes:N0}");
            }

            if (top == null) throw CallException.Argument("top", "is NULL; give the address of a buffer");
            using var turn = found.Take();
            var predictions = found.Top((int)topCount);
            found.Network.Classify(new ReadOnlySpan<byte>(nhwc, (int)nhwcSize), predictions);
            Finite.Require(predictions);
            for (var i = 0; i < predictions.Length; i++) top[i] = new(predictions[i].Class, predictions[i].Probability);
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    private static Session Create(CompiledModel model, int maxBatch, int threads, int height, int width)
    {
        Arguments.RequireBetween(maxBatch, 1, int.MaxValue, "max_batch");
        Arguments.RequireBetween(threads, 1, MostThreads, "threads");
        if ((height == 0) != (width == 0))
        {
            throw CallException.Argument(
                height == 0 ? "height" : "width",
                "is 0 and the other one is not; give both, or 0 for both to have those of the training data");
        }

        try
        {
            if (height == 0) return new(model.CreateSession(maxBatch, threads));
            Arguments.RequireBetween(height, 1, LongestSide, "height");
            Arguments.RequireBetween(width, 1, LongestSide, "width");
            return new(model.CreateSession(maxBatch, threads, height, width));
        }
        catch (ArgumentException e)
        {
            // Each of the numbers is possible, all together are not.
            throw new CallException(Status.InvalidArgument, e.Message);
        }
    }

    private static Span<float> Logits(Session session, int images, float* logits, nuint count)
    {
        var outputs = session.Model.Spec.Outputs;
        return Arguments.Buffer(
            logits, count, "logits", "logits_count", (long)images * outputs, $"{images:N0} × {outputs:N0} outputs of an image");
    }

    private static void RequireData(CompiledModel model)
    {
        if (model.Data is not null) return;
        throw new CallException(
            Status.Unsupported,
            $"The checkpoint does not say how its images were normalised (its metadata lacks '{DataSpec.MetadataKey}'); normalise them "
            + "yourself and call xsepconv_run.");
    }
}

/// <summary>As <c>xsepconv_prediction</c> of xsepconv.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ClassProbability(int ClassIndex, float Probability);
