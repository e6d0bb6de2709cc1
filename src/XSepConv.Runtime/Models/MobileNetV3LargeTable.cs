using static XSepConv.Activation;
using static XSepConv.BlockKind;
using static XSepConv.SqueezeExcite;

namespace XSepConv;

/// <summary>
/// MobileNetV3-Large (Howard et al. 2019, arXiv 1905.02244, table 1) in the terms of the notes' small network: squeeze-excite on the output
/// of a depthwise row and on the expanded map of an XSep row, and XSep where it has fewer multiply-accumulates than what it replaces: in
/// the rows of stride 1 whose kernel is 5×5.
/// </summary>
internal static class MobileNetV3LargeTable
{
    public static IReadOnlyList<BlockSpec> Rows { get; } =
    [
        //  kind  K   in  expand out  activation  SE     stride   224 × 224 comes in at
        new(Dw,   3,  16,  16,  16,   ReLU,   None,      1),      // 112 × 112
        new(Dw,   3,  16,  64,  24,   ReLU,   None,      2),      // 112 × 112
        new(Dw,   3,  24,  72,  24,   ReLU,   None,      1),      //  56 ×  56
        new(Dw,   5,  24,  72,  40,   ReLU,   Output,    2),      //  56 ×  56
        new(XSep, 5,  40, 120,  40,   ReLU,   Expanded,  1),      //  28 ×  28
        new(XSep, 5,  40, 120,  40,   ReLU,   Expanded,  1),      //  28 ×  28
        new(Dw,   3,  40, 240,  80,   HSwish, None,      2),      //  28 ×  28
        new(Dw,   3,  80, 200,  80,   HSwish, None,      1),      //  14 ×  14
        new(Dw,   3,  80, 184,  80,   HSwish, None,      1),      //  14 ×  14
        new(Dw,   3,  80, 184,  80,   HSwish, None,      1),      //  14 ×  14
        new(Dw,   3,  80, 480, 112,   HSwish, Output,    1),      //  14 ×  14
        new(Dw,   3, 112, 672, 112,   HSwish, Output,    1),      //  14 ×  14
        new(Dw,   5, 112, 672, 160,   HSwish, Output,    2),      //  14 ×  14
        new(XSep, 5, 160, 960, 160,   HSwish, Expanded,  1),      //   7 ×   7
        new(XSep, 5, 160, 960, 160,   HSwish, Expanded,  1),      //   7 ×   7
    ];
}
