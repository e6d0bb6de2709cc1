using XSepConv.Runtime.Tests.Inference;

namespace XSepConv.Runtime.Tests;

/// <summary>What the runtime says is English with English numbers, wherever the program runs that uses it.</summary>
public sealed class CultureTests
{
    [Fact]
    public void What_is_wrong_with_a_network_is_said_in_the_same_words_everywhere()
    {
        var wrong = ModelFile.Spec with
        {
            LastChannels = 10_000_000,
            Dropout = 1.5,
            NormEpsilon = 1.5,
            NormMomentum = double.NaN,
            Blocks = [new(BlockKind.Dw, 3, 8, 20_000_000, 12, Activation.ReLU, SqueezeExcite.None, 1)],
        };
        OtherNumbers.ChangeNothing(
            () => string.Join('\n', wrong.Problems()), "it must be from 1 to 65,536", "dropout is 1.5,", "norm epsilon is 1.5,",
            "norm momentum is NaN,", "channels go from 1 to 65,536");
        OtherNumbers.ChangeNothing(() => Message(() => NetworkSpec.FromJson(new string(' ', 20_000_000))), "has 20,000,000 characters");
    }

    [Fact]
    public void What_a_session_does_not_take_is_said_in_the_same_words_everywhere()
    {
        var model = ModelFile.Model();
        using var session = model.CreateSession(maxBatch: 2);
        OtherNumbers.ChangeNothing(() => Message(() => session.Run(new float[5_000], new float[10])), "There are 5,000 values.", "has 3,072,");
        OtherNumbers.ChangeNothing(() => Message(() => session.Run(new float[3_072], new float[2_000])), "There is room for 2,000 logits;");
        OtherNumbers.ChangeNothing(() => Message(() => session.Classify(new byte[3_072], new Prediction[1_001])), "There is room for 1,001 predictions;");
        OtherNumbers.ChangeNothing(() => Message(() => model.CreateSession(1, 1, 1 << 20, 32)), "a side above 65,536 pixels");
    }

    [Fact]
    public void What_is_wrong_with_a_file_is_said_in_the_same_words_everywhere()
    {
        OtherNumbers.ChangeNothing(() => Message(() => SafeTensors.Read(new MemoryStream([0, 0, 0, 0, 1, 0, 0, 0, .. "{}"u8]))), "claim a header of 4,294,967,296 bytes");
        OtherNumbers.ChangeNothing(
            () => Message(() => SafeTensors.Write(new MemoryStream(), [new("a", SafeTensorType.F32, [1_000], new byte[3_000])])),
            "has 3,000 bytes of data, ");
    }

    private static string Message(Action action) => Assert.ThrowsAny<Exception>(action).Message;
}
