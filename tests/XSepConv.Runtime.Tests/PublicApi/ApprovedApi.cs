using System.Reflection;
using PublicApiGenerator;

namespace XSepConv.Tests.PublicApi;

/// <summary>The public members of an assembly against the reviewed text of them. A difference fails; it is never written over by itself.</summary>
internal static class ApprovedApi
{
    private const string ApproveVariable = "XSEPCONV_APPROVE_API";

    /// <param name="assembly">What is looked at.</param>
    /// <param name="project">The test project that keeps the text; null for the assembly's own.</param>
    public static void Verify(Assembly assembly, string? project = null)
    {
        project ??= $"{assembly.GetName().Name}.Tests";
        var stem = Path.Combine(TestsFolder(), project, "PublicApi", assembly.GetName().Name!);
        var (approved, received) = ($"{stem}.approved.txt", $"{stem}.received.txt");
        var actual = assembly.GeneratePublicApi(new ApiGeneratorOptions { IncludeAssemblyAttributes = false, DenyNamespacePrefixes = [] })
            .ReplaceLineEndings("\n").TrimEnd() + "\n";
        if (Environment.GetEnvironmentVariable(ApproveVariable) == "1")
        {
            File.WriteAllText(approved, actual);
        }

        var expected = File.Exists(approved) ? File.ReadAllText(approved).ReplaceLineEndings("\n") : "";
        if (actual == expected)
        {
            File.Delete(received);
            return;
        }

        File.WriteAllText(received, actual);
        Assert.Fail(
            $"The public API of {assembly.GetName().Name} is not the approved one. First difference:\n{FirstDifference(expected, actual)}\n"
            + $"Compare {approved} with {received}. If the change is meant, run this test with {ApproveVariable}=1 and commit the approved file.");
    }

    private static string FirstDifference(string expected, string actual)
    {
        var (left, right) = (expected.Split('\n'), actual.Split('\n'));
        var line = Enumerable.Range(0, Math.Max(left.Length, right.Length)).First(i => left.ElementAtOrDefault(i) != right.ElementAtOrDefault(i));
        return $"line {line + 1}\n- {left.ElementAtOrDefault(line)}\n+ {right.ElementAtOrDefault(line)}";
    }

    private static string TestsFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "XSepConv.sln"))) return Path.Combine(folder.FullName, "tests");
        }

        throw new InvalidOperationException($"XSepConv.sln is in no folder above {AppContext.BaseDirectory}: these tests run in the repository.");
    }
}
