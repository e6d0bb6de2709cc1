using System.Runtime.Loader;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using TorchSharp;

namespace XSepConv.Core.Tests.Documentation;

/// <summary>A C# block of a Markdown file: its lines become the body of a method that sees a batch of images and labels.</summary>
/// <param name="File">The page.</param>
/// <param name="Number">Which of its blocks, from 1.</param>
/// <param name="Code">The lines.</param>
/// <param name="Output">
/// What the page says that it prints: the `text` block after it, or what follows `// →` in its lines; null where it says nothing.
/// </param>
internal sealed partial record Snippet(string File, int Number, string Code, string? Output)
{
    public static IEnumerable<Snippet> In(string file)
    {
        var text = System.IO.File.ReadAllText(Path.Combine(Repository.Root, file));
        return Fences().Matches(text).Select((match, i) =>
        {
            var (code, block) = (match.Groups["code"].Value, match.Groups["output"]);
            var comments = PrintedComments().Matches(code).Select(comment => $"{comment.Groups[1].Value}\n").ToList();
            return new Snippet(file, i + 1, code, block.Success ? block.Value : comments.Count > 0 ? string.Concat(comments) : null);
        });
    }

    /// <summary>Runs it.</summary>
    /// <returns>What it has printed.</returns>
    public string Run(torch.Tensor images, torch.Tensor labels)
    {
        using var assembly = new MemoryStream();
        var result = Compile().Emit(assembly, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(result.Success,
            $"{File}, C# block {Number}:\n{string.Join('\n', result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error))}");

        assembly.Position = 0;
        var context = new AssemblyLoadContext(File, isCollectible: true);
        var type = context.LoadFromStream(assembly).GetType("Snippet")!;
        type.GetField("images")!.SetValue(null, images);
        type.GetField("labels")!.SetValue(null, labels);
        var (before, printed) = (Console.Out, new StringWriter { NewLine = "\n" });
        Console.SetOut(printed);
        try
        {
            type.GetMethod("Run")!.Invoke(null, null);
        }
        finally
        {
            Console.SetOut(before);
        }

        return printed.ToString();
    }

    public override string ToString() => $"{File} #{Number}";

    private CSharpCompilation Compile()
    {
        var types = TypeDeclarations().Matches(Code).Select(type => type.Value);
        var lines = TypeDeclarations().Replace(Code, "").Split('\n');
        var usings = lines.Where(line => UsingDirective().IsMatch(line));
        var body = lines.Where(line => !UsingDirective().IsMatch(line));
        var source = $$"""
            using System; using System.IO; using System.Linq; using System.Collections.Generic;
            {{string.Join('\n', usings)}}
            public static class Snippet
            {
                public static TorchSharp.torch.Tensor images, labels; // a block may have its own of these names
                public static void Run()
                {
            {{string.Join('\n', body)}}
                }
            }
            {{string.Join('\n', types)}}
            """;
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path));
        return CSharpCompilation.Create(
            $"Snippet{Number}", [CSharpSyntaxTree.ParseText(source)], references,
                new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
    }

    [GeneratedRegex("^```csharp\n(?<code>.*?)^```$(\\s+^```text\n(?<output>.*?)^```$)?", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fences();

    // Classes stand after the statements, as in a Program.cs.
    [GeneratedRegex(@"^(public )?(sealed )?class .*?^}", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex TypeDeclarations();

    [GeneratedRegex("// → (.*)$", RegexOptions.Multiline)]
    private static partial Regex PrintedComments();

    // A directive, not a declaration: `using X;` or `using static X;`.
    [GeneratedRegex(@"^using (static )?[\w.]+;")]
    private static partial Regex UsingDirective();
}
