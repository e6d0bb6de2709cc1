namespace XSepConv.Kernels;

/// <summary>Neighbouring taps of a row that are worked on at a time.</summary>
internal interface ITapCount
{
    static abstract int Count { get; }
}

internal readonly struct OneTap : ITapCount
{
    public static int Count => 1;
}

internal readonly struct TwoTaps : ITapCount
{
    public static int Count => 2;
}

internal readonly struct ThreeTaps : ITapCount
{
    public static int Count => 3;
}

internal readonly struct FiveTaps : ITapCount
{
    public static int Count => 5;
}

internal readonly struct SevenTaps : ITapCount
{
    public static int Count => 7;
}
