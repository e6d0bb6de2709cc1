namespace XSepConv.Cli.Tests;

/// <summary>Pictures that Pillow made for the tests of the trainer.</summary>
internal static class Pictures
{
    public static string At(string name)
    {
        var up = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(up.FullName, "XSepConv.sln")))
        {
            up = up.Parent ?? throw new InvalidOperationException("There is no checkout above the tests.");
        }

        return Path.Combine(up.FullName, "tests", "XSepConv.Training.Tests", "Data", "Fixtures", name);
    }
}
