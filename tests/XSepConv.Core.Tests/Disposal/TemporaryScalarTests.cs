using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;
using XSepConv.Core.Tests.Documentation;

namespace XSepConv.Core.Tests.Disposal;

/// <summary>
/// TorchSharp hands numbers to libtorch in objects of their own (<c>Scalar</c>), and does not keep these alive during the call: the garbage
/// collector may free the number under libtorch's hands, which then reads another one: now and then, on a busy machine, the end of a run.
/// So no number here is a temporary: it is in a field or a <c>using</c> variable, that of sums too, whose <c>alpha</c>
/// TorchSharp makes itself where none is given.
/// </summary>
public sealed class TemporaryScalarTests
{
    private static readonly string[] s_sums = ["add", "add_"], s_readers = ["TensorExtensionMethods", "ScalarExtensionMethods"];

    // What may stand where the compiler, which lacks some references and what source generators add, understands nothing.
    private static readonly string[] s_suspects = [.. s_sums, "ToScalar", "ToDouble", "ToSingle", "ToInt64", "ToInt32", "ToBoolean"];

    [Theory]
    [InlineData("XSepConv.Core")]
    [InlineData("XSepConv.Training")]
    [InlineData("XSepConv.Onnx")]
    [InlineData("XSepConv.Cli")]
    public void No_number_that_libtorch_reads_is_a_temporary(string project)
    {
        var compilation = Compile(project);
        List<string> found = [];
        foreach (var tree in compilation.SyntaxTrees)
        {
            var model = compilation.GetSemanticModel(tree);
            found.AddRange(
                from node in tree.GetRoot(TestContext.Current.CancellationToken).DescendantNodes()
                where node is ExpressionSyntax && (node.Parent as MemberAccessExpressionSyntax)?.Name != node
                let why = Why(node, model)
                where why is not null
                let line = tree.GetLineSpan(node.Span).StartLinePosition.Line + 1
                select $"{Path.GetRelativePath(Repository.Root, tree.FilePath)}:{line}: {why} in {node.ToString().Split('\n')[0]}");
        }

        Assert.True(found.Count == 0, $"{found.Count} temporaries:\n{string.Join('\n', found)}");
    }

    private static string? Why(SyntaxNode node, SemanticModel model)
    {
        var conversion = model.GetConversion((ExpressionSyntax)node);
        if (conversion.IsUserDefined && IsTorch(conversion.MethodSymbol!.ContainingType, "Scalar") && node.Parent is not EqualsValueClauseSyntax)
            return "a number";
        if (node is InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax called } && s_suspects.Contains(called.Name.ToString())
            && model.GetSymbolInfo(node).Symbol is null)
        {
            return "a call that is not understood";
        }

        return model.GetOperation(node) switch
        {
            IInvocationOperation { TargetMethod: var method }
                when s_readers.Contains(method.ContainingType.Name) && IsTorch(method.ContainingType, method.ContainingType.Name)
                    && method.Name.StartsWith("To", StringComparison.Ordinal) && method.ReturnType.IsValueType
                => "a number that is read (item is right)",
            IConversionOperation { OperatorMethod: { } method }
                when IsTorch(method.ContainingType, "Tensor") && method.ReturnType.SpecialType != SpecialType.None
                => "a number that is read (item is right)",
            IBinaryOperation { OperatorKind: BinaryOperatorKind.Add, OperatorMethod: { } method }
                when IsTorch(method.ContainingType, "Tensor") => "a sum's hidden factor",
            IBinaryOperation { OperatorMethod: { } method }
                when IsTorch(method.ContainingType, "Tensor") && method.Parameters.Any(operand => operand.Type.SpecialType != SpecialType.None) => "a number",
            IInvocationOperation { TargetMethod: var method }
                when IsTorch(method.ContainingType, "Tensor") && s_sums.Contains(method.Name)
                    && method.Parameters.Count(parameter => IsTorch(parameter.Type, "Scalar")) < (IsTorch(method.Parameters[0].Type, "Tensor") ? 1 : 2)
                => "a sum's hidden factor",
            IInvocationOperation { TargetMethod: var method } when IsTorch(method.ContainingType, "optim") => "an optimizer of TorchSharp",
            _ => null,
        };
    }

    private static bool IsTorch(ITypeSymbol type, string name) =>
        type.Name == name && type.ContainingAssembly?.Name == nameof(TorchSharp);

    private static CSharpCompilation Compile(string project)
    {
        const string Usings = "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; "
            + "global using System.Threading; global using System.Threading.Tasks;";
        var options = new CSharpParseOptions(LanguageVersion.Preview);
        var folder = Path.Combine(Repository.Root, "src", project);
        var trees = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Select(path => CSharpSyntaxTree.ParseText(File.ReadAllText(path), options, path));
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileNameWithoutExtension(path) != project)
            .Select(path => MetadataReference.CreateFromFile(path));
        return CSharpCompilation.Create(
            project, trees.Append(CSharpSyntaxTree.ParseText(Usings, options)), references,
            new(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
    }
}
