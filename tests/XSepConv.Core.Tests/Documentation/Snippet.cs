using System.Reflection;
using System.Runtime.Loader;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using TorchSharp;

namespace XSepConv.Core.Tests.Documentation;

/// <summary>A C# block of a Markdown file: its lines become the body of a method that gets a batch of images and labels.</summary>
internal sealed partial record Snippet(string File, int Number, string Code)
{
    public static IEnumerable<Snippet> In(string file)
    {
        var text = System.IO.File.ReadAllText(Path.Combine(Repository.Root, file));
        return Fences().Matches(text).Select((match, i) => new Snippet(file, i + 1, match.Groups[1].Value));
    }

    public void Run(torch.Tensor images, torch.Tensor labels)
    {
        using var assembly = new MemoryStream();
        var result = Compile().Emit(assembly, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(result.Success, $"{File}, C# block {Number}:\n{string.Join('\n', result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error))}");

        assembly.Position = 0;
        var context = new AssemblyLoadContext(File, isCollectible: true);
        var method = context.LoadFromStream(assembly).GetType("Snippet")!.GetMethod("Run", BindingFlags.Public | BindingFlags.Static)!;
        method.Invoke(null, [images, labels]);
    }

    public override string ToString() => $"{File} #{Number}";

    private CSharpCompilation Compile()
    {
        var lines = Code.Split('\n');
        var usings = lines.Where(line => UsingDirective().IsMatch(line));
        var body = lines.Where(line => !UsingDirective().IsMatch(line));
        var source = $$"""
            using System; using System.IO; using System.Linq; using System.Collections.Generic;
            {{string.Join('\n', usings)}}
            public static class Snippet
            {
                public static void Run(TorchSharp.torch.Tensor images, TorchSharp.torch.Tensor labels)
                {
            {{string.Join('\n', body)}}
                }
            }
            """;
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path));
        return CSharpCompilation.Create(
            $"Snippet{Number}", [CSharpSyntaxTree.ParseText(source)], references, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
    }

    [GeneratedRegex("^```csharp\r?\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fences();

    // A directive, not a declaration: `using X;` or `using static X;`.
    [GeneratedRegex(@"^using (static )?[\w.]+;")]
    private static partial Regex UsingDirective();
}
