using static XSepConv.PaddingDirection;

namespace XSepConv.Runtime.Tests.Padding;

public sealed class PaddingGeometryTests
{
    // F.pad of the listing is (left, right, top, bottom).
    [Theory]
    [InlineData(RightBottom, 0, 1, 0, 1)]
    [InlineData(LeftTop, 1, 0, 1, 0)]
    [InlineData(LeftBottom, 1, 0, 0, 1)]
    [InlineData(RightTop, 0, 1, 1, 0)]
    public void A_side_is_where_the_listing_pads(PaddingDirection direction, int left, int right, int top, int bottom)
    {
        Assert.Equal(left == 1, direction.IsLeft());
        Assert.Equal(right == 0, direction.IsLeft());
        Assert.Equal(top == 1, direction.IsTop());
        Assert.Equal(bottom == 0, direction.IsTop());
    }

    [Theory]
    [InlineData(RightBottom)]
    [InlineData(LeftTop)]
    [InlineData(LeftBottom)]
    [InlineData(RightTop)]
    public void Content_moves_away_from_the_zeros_by_half_a_pixel(PaddingDirection direction)
    {
        // A 2×2 kernel of quarters over a map with one bright pixel: where the result's centre of mass is, says by how much it moved.
        const int Size = 9, Bright = 4;
        double mass = 0, x = 0, y = 0;
        int left = direction.IsLeft() ? 1 : 0, top = direction.IsTop() ? 1 : 0;
        for (var row = 0; row < Size; row++)
        {
            for (var column = 0; column < Size; column++)
            {
                for (var tap = 0; tap < 4; tap++)
                {
                    // Output (row, column) reads padded rows row and row + 1: input rows less the padded row on top, likewise columns.
                    int inputRow = row + (tap / 2) - top, inputColumn = column + (tap % 2) - left;
                    if (inputRow != Bright || inputColumn != Bright) continue;
                    mass += 0.25;
                    x += 0.25 * column;
                    y += 0.25 * row;
                }
            }
        }

        Assert.Equal(1, mass);
        Assert.Equal(PaddingPlan.Shift(direction), (x - Bright, y - Bright));
    }

    [Theory]
    [InlineData(RightBottom, 0, 0, 0, 0, 1, 2, 0, 3, 4)]
    [InlineData(LeftTop, 1, 2, 0, 3, 4, 0, 0, 0, 0)]
    [InlineData(LeftBottom, 0, 0, 0, 1, 2, 0, 3, 4, 0)]
    [InlineData(RightTop, 0, 1, 2, 0, 3, 4, 0, 0, 0)]
    public void A_2x2_is_a_3x3_in_the_corner_that_its_padding_is_named_after(PaddingDirection direction, params int[] kernel3x3)
    {
        const int Height = 5, Width = 6;
        int left = direction.IsLeft() ? 1 : 0, top = direction.IsTop() ? 1 : 0;
        for (var row = 0; row < Height; row++)
        {
            for (var column = 0; column < Width; column++)
            {
                int by2x2 = 0, by3x3 = 0;
                for (var tap = 0; tap < 4; tap++) by2x2 += (tap + 1) * Pixel(row + (tap / 2) - top, column + (tap % 2) - left);
                for (var tap = 0; tap < 9; tap++) by3x3 += kernel3x3[tap] * Pixel(row + (tap / 3) - 1, column + (tap % 3) - 1);
                Assert.Equal(by3x3, by2x2);
            }
        }

        // Any numbers, and zeros around them.
        static int Pixel(int row, int column) => row is < 0 or >= Height || column is < 0 or >= Width ? 0 : (7 * row * row) + (3 * column) + 1;
    }

    [Theory]
    [InlineData(1, 1, 0, 0, 0)]
    [InlineData(2, 1, 1, 0, 0)]
    [InlineData(3, 1, 1, 1, 0)]
    [InlineData(4, 1, 1, 1, 1)]
    [InlineData(5, 2, 1, 1, 1)]
    [InlineData(6, 2, 2, 1, 1)]
    [InlineData(7, 2, 2, 2, 1)]
    [InlineData(8, 2, 2, 2, 2)]
    [InlineData(9, 3, 2, 2, 2)]
    [InlineData(240, 60, 60, 60, 60)]
    public void Symmetric_splits_channels_in_four_groups_larger_ones_first(int channels, int first, int second, int third, int fourth) =>
        Assert.Equal((first, second, third, fourth), PaddingGeometry.SymmetricGroups(channels));

    [Fact]
    public void Symmetric_pads_its_groups_in_the_order_of_the_notes()
    {
        Assert.Equal([LeftTop], DirectionsOf(1));
        Assert.Equal([LeftTop, LeftBottom], DirectionsOf(2));
        Assert.Equal([LeftTop, LeftBottom, RightTop], DirectionsOf(3));
        Assert.Equal([LeftTop, LeftBottom, RightTop, RightBottom], DirectionsOf(4));
        Assert.Equal([LeftTop, LeftTop, LeftBottom, RightTop, RightBottom], DirectionsOf(5));
        Assert.Equal([LeftTop, LeftTop, LeftBottom, LeftBottom, RightTop, RightBottom], DirectionsOf(6));
        Assert.Equal([LeftTop, LeftTop, LeftBottom, LeftBottom, RightTop, RightTop, RightBottom], DirectionsOf(7));
        Assert.Equal([LeftTop, LeftTop, LeftBottom, LeftBottom, RightTop, RightTop, RightBottom, RightBottom], DirectionsOf(8));
        Assert.Equal([LeftTop, LeftTop, LeftTop, LeftBottom, LeftBottom, RightTop, RightTop, RightBottom, RightBottom], DirectionsOf(9));

        static IEnumerable<PaddingDirection> DirectionsOf(int channels) => Enumerable.Range(0, channels).Select(c => Symmetric.ForChannel(c, channels));
    }

    [Theory]
    [InlineData(RightBottom)]
    [InlineData(LeftTop)]
    [InlineData(LeftBottom)]
    [InlineData(RightTop)]
    public void One_sided_padding_is_the_same_for_every_channel(PaddingDirection direction)
    {
        for (var channel = 0; channel < 7; channel++) Assert.Equal(direction, direction.ForChannel(channel, 7));
    }

    [Fact]
    public void Symmetric_has_no_side_of_its_own()
    {
        Assert.Equal("direction", Assert.Throws<ArgumentOutOfRangeException>(() => Symmetric.IsLeft()).ParamName);
        Assert.Equal("direction", Assert.Throws<ArgumentOutOfRangeException>(() => Symmetric.IsTop()).ParamName);
        Assert.Throws<ArgumentOutOfRangeException>(() => ((PaddingDirection)9).IsLeft());
    }
}
