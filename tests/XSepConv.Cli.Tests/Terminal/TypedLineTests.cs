using XSepConv.Cli.Arguments;

namespace XSepConv.Cli.Tests;

public class TypedLineTests
{
    private static readonly string[] OnlyOnce = ["--overwrite", "--resume"];

    [Theory]
    [InlineData("xsepconv train", "train")]
    [InlineData("xsepconv train --lr 0.1 --kernels 5,5,5,5,3,3", "train", "--lr=0.1", "--kernels", "5,5,5,5,3,3")]
    [InlineData("xsepconv train --out 'my runs/$HOME'", "train", "--out", "my runs/$HOME")]
    [InlineData(@"xsepconv train --out 'it'\''s'", "train", "--out", "it's")]
    public void A_line_can_be_typed_again(string expected, params string[] args)
    {
        Assert.Equal(expected, TypedLine.Of(Tool.Root().Parse(args)));
    }

    [Theory]
    [InlineData("train", "--out", "a", "--overwrite")]
    [InlineData("train", "--resume", "--out", "a")]
    [InlineData("train", "--out", "a")]
    public void The_line_that_continues_a_run_resumes_it_and_never_overwrites_it(params string[] args)
    {
        Assert.Equal("xsepconv train --out a --resume", TypedLine.Of(Tool.Root().Parse(args), OnlyOnce, "--resume"));
    }
}
