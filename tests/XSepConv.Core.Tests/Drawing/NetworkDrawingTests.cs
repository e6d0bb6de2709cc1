using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace XSepConv.Core.Tests.Drawing;

public sealed partial class NetworkDrawingTests
{
    private static readonly NetworkSpec Small = new()
    {
        Name = "a \"small\" <network>",
        InputChannels = 1,
        NumClasses = 4,
        StemChannels = 8,
        StemStride = 1,
        LastChannels = 32,
        HiddenFeatures = 64,
        Blocks =
        [
            new(BlockKind.Dw, 3, 8, 16, 12, Activation.ReLU, SqueezeExcite.Output, 2),
            new(BlockKind.XSep, 5, 12, 24, 12, Activation.HSwish, SqueezeExcite.Expanded, 1),
            new(BlockKind.XSep, 7, 12, 20, 16, Activation.HSwish, SqueezeExcite.None, 1),
        ],
    };

    [Fact]
    public void Mermaid_shows_blocks_by_resolution()
    {
        const string Expected = """
            flowchart TB
              images["images<br/>[N, 1, 9, 15]"]:::other
              stem["3×3, stride 1 · hswish<br/>1 → 8"]:::other
              subgraph at1["9 × 15"]
                b0["0 · Dw 3×3 · stride 2, to 5 × 8<br/>8 → 16 → 12 · ReLU<br/>SE on 12"]:::dw
              end
              subgraph at2["5 × 8"]
                b1["1 · XSep 2×2, 1×5, 5×1<br/>12 → 24 → 12 · hswish<br/>SE on 24 · + input<br/>pads RightBottom ↖"]:::xsep
                b2["2 · XSep 2×2, 1×7, 7×1<br/>12 → 20 → 16 · hswish<br/>+ 1×1 of the input<br/>pads LeftTop ↘"]:::xsep
              end
              last["1×1 · hswish<br/>16 → 32"]:::other
              pool["global average"]:::other
              hidden["linear · hswish<br/>32 → 64"]:::other
              logits["linear<br/>64 → 4 classes"]:::other
              images --> stem --> b0 --> b1 --> b2 --> last --> pool --> hidden --> logits
              classDef xsep fill:#ffe8cc,stroke:#d9730d,color:#1f2328
              classDef dw fill:#d7ebff,stroke:#2f6fb5,color:#1f2328
              classDef other fill:#eceff2,stroke:#8c959f,color:#1f2328

            """;
        Assert.Equal(Expected.ReplaceLineEndings("\n"), NetworkDrawing.Mermaid(Small, (9, 15)));
    }

    [Fact]
    public void Without_a_size_resolutions_are_fractions()
    {
        var text = NetworkDrawing.Mermaid(MobileNetV3SmallSpec.XSep());
        Assert.Equal(["1/2 of the image's size", "1/4 of the image's size", "1/8 of the image's size", "1/16 of the image's size", "1/32 of the image's size"],
            MermaidGroups().Matches(text).Select(match => match.Groups[1].Value));
    }

    [Fact]
    public void Dot_draws_every_block_once()
    {
        var text = NetworkDrawing.Dot(Small, (9, 15));
        Assert.StartsWith("digraph \"a \\\"small\\\" <network>\" {", text, StringComparison.Ordinal);
        Assert.Equal(["images", "stem", "b0", "b1", "b2", "last", "pool", "hidden", "logits"], DotBoxes().Matches(text).Select(match => match.Groups[1].Value));
        Assert.Contains("images -> stem -> b0 -> b1 -> b2 -> last -> pool -> hidden -> logits;", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Graphviz_takes_it()
    {
        var start = new ProcessStartInfo("dot", ["-Tplain"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        Process? process = null;
        try
        {
            process = Process.Start(start);
        }
        catch (Win32Exception)
        {
            Assert.Skip("Graphviz is not here (Debian: apt-get install graphviz), so it was not asked.");
        }

        using (process)
        {
            await process!.StandardInput.WriteAsync(NetworkDrawing.Dot(Small));
            process.StandardInput.Close();
            var plain = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, errors);
            Assert.Equal(9, plain.Split('\n').Count(line => line.StartsWith("node ", StringComparison.Ordinal)));
            Assert.Equal(8, plain.Split('\n').Count(line => line.StartsWith("edge ", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void A_network_that_cannot_be_built_and_an_empty_image_are_refused()
    {
        Assert.Throws<ArgumentException>(() => NetworkDrawing.Dot(Small with { NumClasses = -1 }));
        Assert.Contains("The size is 5×0", Assert.Throws<ArgumentException>(() => NetworkDrawing.Mermaid(Small, (5, 0))).Message, StringComparison.Ordinal);
    }

    [GeneratedRegex("subgraph \\w+\\[\"(.*?)\"\\]")]
    private static partial Regex MermaidGroups();

    [GeneratedRegex(@"^ +(\w+) \[label=", RegexOptions.Multiline)]
    private static partial Regex DotBoxes();
}
