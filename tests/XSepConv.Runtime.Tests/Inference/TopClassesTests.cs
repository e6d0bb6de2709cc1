using XSepConv.Inference;

namespace XSepConv.Runtime.Tests.Inference;

/// <summary>The likeliest classes, however many are asked for.</summary>
public sealed class TopClassesTests
{
    /// <summary>Of equal logits the first class wins, and NaN counts as the lowest.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(300)]
    public void They_come_in_order(int count)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var draw = new Random(seed);
            float[] logits = [.. Enumerable.Range(0, 300).Select(_ => draw.Next(20) == 0 ? float.NaN : draw.Next(seed == 0 ? 2 : 200))];
            var top = new Prediction[count];
            TopClasses.Find(logits, null, top);
            var expected = Enumerable.Range(0, logits.Length)
                .OrderBy(c => float.IsNaN(logits[c])).ThenByDescending(c => logits[c]).ThenBy(c => c).Take(count);
            Assert.Equal(expected, top.Select(prediction => prediction.Class));
        }
    }
}
