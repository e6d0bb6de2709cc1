namespace XSepConv.Inference;

/// <summary>Height and width of a map.</summary>
internal readonly record struct MapSize(int Height, int Width)
{
    public int Pixels => checked(Height * Width);

    /// <summary>After a convolution with this stride and half its kernel as padding.</summary>
    public MapSize Strided(int stride) => new(((Height - 1) / stride) + 1, ((Width - 1) / stride) + 1);
}
