using static XSepConv.Activation;
using static XSepConv.BlockKind;
using static XSepConv.SqueezeExcite;

namespace XSepConv;

/// <summary>The notes' table of XSepMobileNetV3-Small, a row a block.</summary>
internal static class MobileNetV3SmallTable
{
    // The notes give the XSep rows no width for their squeeze-excite that fits: theirs is sized to the expanded map, on which it runs.
    public static IReadOnlyList<BlockSpec> Rows { get; } =
    [
        //  kind  K   in  expand out  activation  SE     stride   224 × 224 comes in at
        new(Dw,   3,  16,  16,  16,   ReLU,   Output,    2),      // 112 × 112
        new(Dw,   3,  16,  72,  24,   ReLU,   None,      2),      //  56 ×  56
        new(Dw,   3,  24,  88,  24,   ReLU,   None,      1),      //  28 ×  28
        new(Dw,   5,  24,  96,  40,   HSwish, Output,    2),      //  28 ×  28
        new(XSep, 5,  40, 240,  40,   HSwish, Expanded,  1),      //  14 ×  14
        new(XSep, 5,  40, 240,  40,   HSwish, Expanded,  1),      //  14 ×  14
        new(XSep, 5,  40, 120,  48,   HSwish, Expanded,  1),      //  14 ×  14
        new(XSep, 5,  48, 144,  48,   HSwish, Expanded,  1),      //  14 ×  14
        new(Dw,   5,  48, 288,  96,   HSwish, Output,    2),      //  14 ×  14
        new(XSep, 3,  96, 576,  96,   HSwish, Expanded,  1),      //   7 ×   7
        new(XSep, 3,  96, 576,  96,   HSwish, Expanded,  1),      //   7 ×   7
    ];
}
