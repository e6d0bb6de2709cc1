namespace XSepConv.Training.Tests.Recipe;

public sealed class TrainingStartTests
{
    /// <summary>0.99⁷⁵ = 0.47, 0.99³⁰⁰ = 0.05, 0.9²⁰ = 0.12, 0.9²⁵ = 0.07 of the averages of before are left.</summary>
    [Theory]
    [InlineData(0.01, 3, 25, "after 75 batches 47 % of them")]
    [InlineData(0.01, 12, 25, null)]
    [InlineData(0.1, 1, 20, "move by 0.1 a batch: after 20 batches 12 % of them")]
    [InlineData(0.1, 1, 25, null)]
    public void A_run_that_is_too_short_for_the_file_s_averages_is_told_so(double momentum, int epochs, int batches, string? expected)
    {
        var options = new TrainingOptions
        {
            Network = MobileNetV3SmallSpec.XSep() with { NormMomentum = momentum },
            OutputDirectory = "out",
            InitialWeights = "net.safetensors",
            Recipe = new() { Epochs = epochs },
        };
        var note = TrainingStart.StatisticsNote(options, batches);
        if (expected is null) Assert.Null(note);
        else Assert.Contains(expected, note, StringComparison.Ordinal);
        Assert.Null(TrainingStart.StatisticsNote(options with { InitialWeights = null }, batches));
    }
}
