namespace XSepConv.Runtime.Tests;

public sealed class RoomTests
{
    [Fact]
    public void Every_file_stands_in_a_room_and_uses_only_rooms_below() => Assert.Empty(Rooms.Problems(
        "src/XSepConv.Runtime",
        "", "Files", "Weights", "Padding", "Models|Models/Layers",
        "Kernels/Memory", "Kernels/Vectors", "Kernels/Threads", "Kernels/Tiles", "Kernels/Layout", "Kernels/BatchNorm",
        "Kernels/Pointwise", "Kernels/Linear", "Kernels/Stem", "Kernels/SqueezeExcite", "Kernels/Depthwise", "Kernels/Separated", "Kernels/Stages", "Kernels/Blocks",
        "Inference/Folding", "Inference/Packing", "Inference/Steps", "Inference/Plans", "Inference", "Pretrained"));
}
