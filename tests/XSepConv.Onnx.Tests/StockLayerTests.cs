namespace XSepConv.Onnx.Tests;

public sealed class StockLayerTests
{
    public static TheoryData<int> Opsets() =>
        [.. Enumerable.Range(OnnxExporter.OldestOpsetVersion, OnnxExporter.NewestOpsetVersion - OnnxExporter.OldestOpsetVersion + 1)];

    [Theory]
    [MemberData(nameof(Opsets))]
    public void Every_layer_with_every_option_computes_the_same(int opset)
    {
        List<string> wrong = [];
        foreach (var layer in StockLayers.All())
        {
            using var module = Randomised.Eval(layer.Make(), 5);
            try
            {
                Agreement.Check(module, new() { Opset = opset, Size = layer.Size }, layer.What, layer.Reference, layer.Shapes);
            }
            catch (Exception e)
            {
                wrong.Add($"{layer.What}: {e.GetType().Name} {e.Message}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }
}
