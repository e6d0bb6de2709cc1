using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>The same on one of torch's threads and on several.</summary>
internal static class ThreadCounts
{
    /// <summary>Runs it on one, two and five, and holds all results to the first ones, bit by bit.</summary>
    public static void ChangeNoBit(Func<List<Tensor>> run)
    {
        var before = get_num_threads();
        try
        {
            set_num_threads(1);
            var expected = run();
            foreach (var threads in new[] { 2, 5 })
            {
                set_num_threads(threads);
                Assert.All(expected.Zip(run()), pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));
            }
        }
        finally
        {
            set_num_threads(before);
        }
    }
}
