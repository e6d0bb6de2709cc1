using XSepConv.Runtime.Tests.Weights;

namespace XSepConv.Runtime.Tests.Inference;

/// <summary>Models that are not read from a path.</summary>
public sealed class LoadStreamTests
{
    private static readonly byte[] s_file = Bytes();

    [Fact]
    public void A_stream_gives_the_same_model_as_the_file_and_stays_open()
    {
        using var folder = new ModelFile.Folder();
        File.WriteAllBytes(folder.File("model"), s_file);
        var expected = CompiledModel.Load(folder.File("model"));

        // Another file may come before it in the stream.
        using var stream = new MemoryStream([1, 2, 3, .. s_file]) { Position = 3 };
        var model = CompiledModel.Load(stream, "a resource");

        Assert.Equal(s_file.Length + 3, stream.Position);
        Assert.Equal((expected.Spec, expected.WeightBytes, expected.Kernel), (model.Spec, model.WeightBytes, model.Kernel));
        Assert.Equal(expected.Data!.Classes, model.Data!.Classes);
        Assert.Equal(Logits(expected), Logits(model));
    }

    [Fact]
    public void A_stream_that_can_t_seek_and_comes_byte_by_byte_is_read()
    {
        using var whole = new MemoryStream(s_file);
        using var stream = new SafeTensorsBytes.Trickle(s_file);
        Assert.Equal(Logits(CompiledModel.Load(whole, "whole")), Logits(CompiledModel.Load(stream, "in parts")));
    }

    [Fact]
    public void An_error_says_the_name()
    {
        foreach (var length in new[] { 0, 7, 8, 100, s_file.Length - 1 })
        {
            Assert.StartsWith("the model of the day ", Refusal(s_file[..length]), StringComparison.Ordinal);
        }

        Assert.Contains("after the last tensor", Refusal([.. s_file, 0]), StringComparison.Ordinal);
        Assert.StartsWith("the model of the day does not say which network it holds", Refusal(Bytes(described: false)), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_stream_or_a_name_it_is_refused()
    {
        Assert.Equal("stream", Assert.Throws<ArgumentNullException>(() => CompiledModel.Load((Stream)null!, "nothing")).ParamName);
        Assert.Equal("name", Assert.Throws<ArgumentException>(() => CompiledModel.Load(Stream.Null, "")).ParamName);
    }

    private static string Refusal(byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        return Assert.Throws<InvalidDataException>(() => CompiledModel.Load(stream, "the model of the day")).Message;
    }

    private static float[] Logits(CompiledModel model)
    {
        using var session = model.CreateSession();
        var logits = new float[model.Spec.Outputs];
        session.Run(ModelFile.Images(model, 1, session.Height, session.Width), logits);
        return logits;
    }

    private static byte[] Bytes(bool described = true)
    {
        using var folder = new ModelFile.Folder();
        var path = folder.File("model");
        if (described) ModelFile.Write(path, ModelFile.Spec, ModelFile.Tensors(ModelFile.Spec), ModelFile.Data);
        else SafeTensors.Write(path, ModelFile.Tensors(ModelFile.Spec));
        return File.ReadAllBytes(path);
    }
}
