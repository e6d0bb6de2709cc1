using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using XSepConv.Core.Tests.Documentation;

namespace XSepConv.Core.Tests.Disposal;

/// <summary>
/// A dispose scope and the mode without gradients are the thread's: what awaits within them may go on, and leave them, on another thread,
/// and whoever gets the first one next has no gradients.
/// </summary>
public sealed class ThreadModeTests
{
    private static readonly string[] s_modes = ["no_grad()", "NewDisposeScope()", "inference_mode()"];

    [Theory]
    [InlineData("src")]
    [InlineData("tests")]
    [InlineData("samples")]
    [InlineData("benchmarks")]
    public void Nothing_awaits_in_a_mode_of_its_thread(string folder)
    {
        var separator = Path.DirectorySeparatorChar;
        var found =
            from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories)
            where !file.Contains($"{separator}obj{separator}", StringComparison.Ordinal)
            let tree = CSharpSyntaxTree.ParseText(File.ReadAllText(file), cancellationToken: TestContext.Current.CancellationToken)
            from mode in tree.GetRoot(TestContext.Current.CancellationToken).DescendantNodes()
            let within = mode switch
            {
                LocalDeclarationStatementSyntax { UsingKeyword.RawKind: not 0 } declaration when IsMode($"{declaration.Declaration}") => declaration.Parent,
                UsingStatementSyntax statement when IsMode($"{statement.Expression}{statement.Declaration}") => statement,
                _ => null,
            }
            where within is not null
            where within.DescendantNodes(node => node is not (LambdaExpressionSyntax or LocalFunctionStatementSyntax))
                .OfType<AwaitExpressionSyntax>().Any(wait => wait.SpanStart > mode.SpanStart)
            select $"{Path.GetRelativePath(Repository.Root, file)}:{tree.GetLineSpan(mode.Span).StartLinePosition.Line + 1}: {mode.ToString().Split('\n')[0]}";

        Assert.Empty(found);
    }

    private static bool IsMode(string text) => s_modes.Any(mode => text.Contains(mode, StringComparison.Ordinal));
}
