using XSepConv;
using XSepConv.Training;
using static TorchSharp.torch;

// torchvision's MobileNetV3-Small, with XSepConv for its large kernels, learns a folder of pictures, and classifies without Torch.
if (args is not [var weights, var pictures])
{
    Console.Error.WriteLine("transfer WEIGHTS PICTURES: torchvision's mobilenet_v3_small in safetensors, and a folder for each class");
    return 2;
}

GlibcAllocator.KeepFreedMemory();
random.manual_seed(1);
// What the weights are used to: ImageNet as torchvision prepares it, not whole pictures with their own mean and deviation.
var data = DatasetCatalog.Open("folder", new() { DataRoot = pictures, ImageSize = 32, Scaling = new(0.875) });
var usual = new ImageNormalization([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
var recipe = TrainingRecipe.For("standard") with { Epochs = 6, BatchSize = 20, WarmupEpochs = 1, Augmentation = "none", EmaDecay = 0 };

// In: published weights; the 5×5 rows become XSepConv, fitted to a batch of the pictures.
using var published = MobileNet.FromPretrained(weights, PretrainedSource.TorchVision, "mobilenet_v3_small");
using var sample = recipe.Batches(data, 1, normalization: usual).Select(batch => batch.Images.clone()).First();
ConversionOptions fit = new() { Initialise = KernelInitialisation.Fit, Calibration = sample, FitSteps = 10 };
var (network, report) = NetworkConverter.Convert(published, (32, 32), fit);
using var trained = network;
Console.WriteLine($"{report.Replaced.Count} rows are XSepConv: {report.MacsBefore:N0} MACs became {report.MacsAfter:N0}");

// A head of one's own; the stem stays as it is.
network.ResetClassifier(data.ClassNames.Count);
network.Freeze(1);
network.train();
using (var step = new TrainingStep(network, recipe, recipe.StepsPerEpoch(data.Train)))
{
    for (var epoch = 1; epoch <= recipe.Epochs; epoch++)
    {
        var loss = 0.0;
        foreach (var batch in recipe.Batches(data, epoch, normalization: usual)) loss = step.Run(batch).Loss;
        if (epoch % 3 == 0) Console.WriteLine($"epoch {epoch}: loss {loss:0.00}");
    }
}

network.eval();
var expected = Evaluator.Evaluate(network, data.Test, usual);
Console.WriteLine($"with Torch: {expected.Top1:P1} of {data.Test.Count} test images");

// Out: ONNX for others, and a checkpoint that the runtime takes.
OnnxExporter.Export(network, "digits.onnx", new() { Size = (32, 32) });
Checkpoint.Save("digits.safetensors", network, data, usual);
using var session = CompiledModel.Load("digits.safetensors").CreateSession();
var (top, picture, right) = (new Prediction[1], new byte[session.ImageLength], 0);
for (var i = 0; i < data.Test.Count; i++)
{
    var planes = data.Test.Image(i); // [3, H, W]; a decoder gives [H, W, 3]
    for (var at = 0; at < picture.Length; at++) picture[at] = planes[(at % 3 * picture.Length / 3) + (at / 3)];
    session.Classify(picture, top);
    if (top[0].Class == data.Test.Labels.Span[i]) right++;
}

Console.WriteLine($"without Torch: {(double)right / data.Test.Count:P1}");
return right == Math.Round(expected.Top1 * data.Test.Count) ? 0 : 1;
