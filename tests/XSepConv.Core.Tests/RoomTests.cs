namespace XSepConv.Core.Tests;

public sealed class RoomTests
{
    [Fact]
    public void Every_file_stands_in_a_room_and_uses_only_rooms_below() => Assert.Empty(Rooms.Problems(
        "src/XSepConv.Core",
        "", "Functional", "Blocks", "Weights", "Evaluation", "Models", "Profiling", "Drawing", "Conversion", "buildTransitive/net10.0"));
}
