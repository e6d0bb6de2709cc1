using static XSepConv.Activation;
using static XSepConv.BlockKind;
using static XSepConv.SqueezeExcite;

namespace XSepConv;

/// <summary>
/// A small network of large kernels, ours: RepLKNet's 31, 29, 27 and 13 (arXiv 2203.06717) in the blocks of MobileNetV3, XSepConv in every
/// row and two rows in every stage. From any place at 14×14 and 7×7, 27 and 13 reach the whole map.
/// </summary>
internal static class LargeKernelSmallTable
{
    public static IReadOnlyList<BlockSpec> Rows { get; } =
    [
        //  kind  K   in  expand out  activation  SE     stride   224 × 224 comes in at
        new(XSep, 31, 16,  16,  16,   ReLU,   None,      2),      // 112 × 112
        new(XSep, 31, 16,  16,  16,   ReLU,   None,      1),      //  56 ×  56
        new(XSep, 29, 16,  40,  24,   ReLU,   None,      2),      //  56 ×  56
        new(XSep, 29, 24,  64,  24,   ReLU,   None,      1),      //  28 ×  28
        new(XSep, 27, 24,  96,  40,   HSwish, Expanded,  2),      //  28 ×  28
        new(XSep, 27, 40, 160,  40,   HSwish, Expanded,  1),      //  14 ×  14
        new(XSep, 13, 40, 240,  96,   HSwish, Expanded,  2),      //  14 ×  14
        new(XSep, 13, 96, 480,  96,   HSwish, Expanded,  1),      //   7 ×   7
    ];
}
