using System.Reflection;
using System.Xml.Linq;
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
        Assert.Empty(HalfDocumented(assembly));
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

    /// <summary>
    /// Public methods and constructors of which some parameters are documented and others not. The compiler, which could say so too, would ask
    /// the same of what is internal.
    /// </summary>
    private static IEnumerable<string> HalfDocumented(Assembly assembly)
    {
        const BindingFlags Declared = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var documented = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member")
            .Select(member => (Id: member.Attribute("name")!.Value, Parameters: Names(member))).Where(member => member.Parameters.Length > 0).ToList();
        Assert.NotEmpty(documented);
        foreach (var type in assembly.GetExportedTypes())
        {
            var name = type.FullName!.Replace('+', '.');
            foreach (var method in type.GetMembers(Declared).OfType<MethodBase>())
            {
                var wanted = method.GetParameters().Select(parameter => parameter.Name).ToArray();
                // A record's parameters are documented with the record.
                string[] ids = method.IsConstructor ? [$"M:{name}.#ctor(", $"T:{name}"] : [$"M:{name}.{method.Name}("];
                var own = documented.Where(
                    member => member.Id == ids[^1] || ids.Any(id => id.EndsWith('(') && member.Id.StartsWith(id, StringComparison.Ordinal)));
                foreach (var (id, parameters) in own.Where(member => member.Parameters.All(wanted.Contains) && member.Parameters.Length < wanted.Length))
                {
                    // Unless it is an overload with fewer of them.
                    if (id[0] == 'M' && Count(id) != wanted.Length) continue;
                    yield return $"{id} lacks {string.Join(", ", wanted.Except(parameters))}";
                }
            }
        }

        static string?[] Names(XElement member) => [.. member.Elements("param").Select(param => param.Attribute("name")?.Value)];

        // Commas outside of the braces of generic arguments part the types of an id.
        static int Count(string id)
        {
            var (depth, count) = (0, 1);
            foreach (var letter in id)
            {
                depth += letter is '{' or '[' ? 1 : letter is '}' or ']' ? -1 : 0;
                if (letter == ',' && depth == 0) count++;
            }

            return count;
        }
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
