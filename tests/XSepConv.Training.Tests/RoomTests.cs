namespace XSepConv.Training.Tests;

public sealed class RoomTests
{
    [Fact]
    public void Every_file_stands_in_a_room_and_uses_only_rooms_below() => Assert.Empty(Rooms.Problems(
        "src/XSepConv.Training",
        "Images", "Distributed", "Augmentation", "Batches",
        "Data", "Data/Cache", "Data/Formats", "Data/Published", "Data/Folders", "Data/Shapes", "Data/Catalog",
        "Recipe", "Results", "Checkpoints", "Curves", "Runs",
        "Comparison/Runs", "Comparison/Statistics", "Comparison/Report", "Comparison"));
}
