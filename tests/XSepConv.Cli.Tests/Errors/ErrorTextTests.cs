using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Tests;

/// <summary>A disk that is full is no wrong input, whoever says so.</summary>
public sealed class ErrorTextTests
{
    // The system's numbers, as .NET gives them.
    private static int NoSpace => OperatingSystem.IsWindows() ? unchecked((int)0x80070070) : 28;

    public static TheoryData<string, Exception> Full => new()
    {
        { "as it is", Disk() },
        { "in other words", new IOException("Decoded images can't be kept.", Disk()) },
        { "in others' other words", new IOException("again", new IOException("once", Disk())) },
        { "before a run", new XSepConv.Training.TrainingRefusedException("The output directory can't be written.", Disk()) },
        { "of a data set that is nowhere", new XSepConv.Training.DatasetNotFoundException("It was not found.", Disk()) },
        { "of a run", new XSepConv.Training.TrainingStorageException("The run can't be written.", new UnauthorizedAccessException()) },
    };

    [Theory]
    [MemberData(nameof(Full), DisableDiscoveryEnumeration = true)]
    public void A_full_disk_is_no_wrong_input(string what, Exception error)
    {
        Assert.NotEmpty(what);
        Assert.Equal((error.Message, ExitCode.Failed), ErrorText.Explain(error));
    }

    public static TheoryData<string, Exception> Wrong => new()
    {
        { "a file", new IOException("It is a directory.") },
        { "a file, in other words", new IOException("It can't be read.", new IOException("It is a directory.")) },
        { "a data set", new XSepConv.Training.DatasetNotFoundException("It was not found.") },
        { "a run", new XSepConv.Training.TrainingRefusedException("It is there.") },
    };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void Other_errors_of_files_are(string what, Exception error)
    {
        Assert.NotEmpty(what);
        Assert.Equal((error.Message, ExitCode.BadInput), ErrorText.Explain(error));
    }

    [Fact]
    public void What_one_of_several_threads_met_is_what_is_said()
    {
        Exception[] met =
            [new InsufficientMemoryException(), Disk(), new InvalidDataException("a.png: is damaged."), new UserError("No.", 3)];
        Assert.All(met, inner => Assert.Equal(
            ErrorText.Explain(inner), ErrorText.Explain(new AggregateException(new AggregateException(inner), new IOException("later")))));
        Assert.Equal(ExitCode.Failed, ErrorText.Explain(new AggregateException(new InsufficientMemoryException())).ExitCode);
    }

    private static IOException Disk() => new("No space left on device", NoSpace);
}
