using static TorchSharp.torch;

namespace XSepConv.Cli.Tests;

/// <summary>Random weights under another library's names.</summary>
internal static class ForeignFile
{
    public static string Write(string path, string model, int classes, PretrainedSource source = PretrainedSource.TorchVision)
    {
        var spec = Pretrained.Spec(source, model, new() { NumClasses = classes });
        random.manual_seed(3);
        using var network = new MobileNet(spec);
        var ours = path + ".ours";
        network.SaveSafeTensors(ours);
        using (var file = SafeTensors.Open(ours))
        {
            SafeTensors.Write(path, ForeignNames.Of(spec, source).Select(tensor =>
                new SafeTensor(tensor.Name, file.Tensors[tensor.Key].Type, [.. tensor.Shape], file.ReadBytes(tensor.Key))));
        }

        File.Delete(ours);
        return path;
    }
}
