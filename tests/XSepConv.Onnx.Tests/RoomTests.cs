namespace XSepConv.Onnx.Tests;

public sealed class RoomTests
{
    [Fact]
    public void Every_file_stands_in_a_room_and_uses_only_rooms_below() => Assert.Empty(Rooms.Problems(
        "src/XSepConv.Onnx",
        "Graph", "Translation|Translation/Layers", "Reading", ""));
}
