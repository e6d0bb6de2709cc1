using Microsoft.ML.OnnxRuntime;
using XSepConv;
using XSepConv.Imaging;

// What samples/Classify does, by ONNX Runtime: of the runtime here it uses the description of the data, and the same decoder of pictures.
if (args.Length < 2)
{
    Console.Error.WriteLine("onnx-classify MODEL IMAGE…    MODEL is of 'xsepconv export --normalize'.");
    return 2;
}

// Threads of its own would only have to be started for it.
using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
using var session = new InferenceSession(args[0], options);
var data = DataSpec.FromJson(session.ModelMetadata.CustomMetadataMap[DataSpec.MetadataKey]);
using var run = new RunOptions();
var planes = new float[data.Channels * data.Height * data.Width];
foreach (var file in args.AsSpan(1))
{
    var pixels = ImageDecoder.ReadFile(file, data);
    for (var i = 0; i < pixels.Length; i++) planes[(i % data.Channels * data.Height * data.Width) + (i / data.Channels)] = pixels[i];
    using var input = OrtValue.CreateTensorValueFromMemory(planes, [1, data.Channels, data.Height, data.Width]);
    using var results = session.Run(run, session.InputNames, [input], session.OutputNames);
    var logits = results[0].GetTensorDataAsSpan<float>();
    var (order, exponentials, sum) = (new int[logits.Length], new float[logits.Length], 0f);
    var most = float.NegativeInfinity;
    foreach (var logit in logits) most = Math.Max(most, logit);
    for (var i = 0; i < order.Length; i++)
    {
        (order[i], exponentials[i]) = (i, MathF.Exp(logits[i] - most));
        sum += exponentials[i];
    }

    Array.Sort(order, (a, b) => exponentials[b].CompareTo(exponentials[a]));
    Console.WriteLine(file);
    foreach (var i in order.AsSpan(0, Math.Min(5, order.Length)))
        Console.WriteLine($"  {100 * exponentials[i] / sum,6:0.00} %  {data.Classes[i]}");
}

return 0;
