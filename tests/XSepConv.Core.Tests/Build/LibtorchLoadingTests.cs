namespace XSepConv.Core.Tests.Build;

/// <summary>What the loader says on Debian 12, shortened, and what comes of it.</summary>
public class LibtorchLoadingTests
{
    private const string Head = "Unable to load shared library 'LibTorchSharp' or one of its dependencies. In order to help diagnose "
        + "loading problems, consider using a tool like strace.\n";

    private const string Absent = "/app/LibTorchSharp.so: cannot open shared object file: No such file or directory\n"
        + "libtorch.so: cannot open shared object file: No such file or directory\n";

    private const string Old = "/lib/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /app/libLibTorchSharp.so)";

    [Theory]
    [InlineData(Absent, "its files are not beside the application. Reference the package for this system (")]
    [InlineData("", "its files are not beside the application. Reference the package for this system (")]
    [InlineData(
        Absent + Old + "\n" + Absent,
        Old + ". This system's libstdc++ is older than TorchSharp's file asks for; set <TorchSharpWeakGlibcxx>true<")]
    [InlineData(Absent + "/app/libtorch.so: file too short\n", "/app/libtorch.so: file too short. Reference the package for this system (")]
    public void The_remedy_is_named(string places, string expected) =>
        Assert.Contains(expected, LibtorchLoading.Explain(Head + places), StringComparison.Ordinal);

    [Fact]
    public void Where_it_is_loaded_a_module_has_its_name()
    {
        using var module = new HSwish();
        Assert.Equal("HSwish", module.GetName());
    }
}
