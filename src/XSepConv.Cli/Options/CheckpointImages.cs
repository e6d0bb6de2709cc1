using XSepConv.Cli.Errors;
using XSepConv.Training;

namespace XSepConv.Cli.Options;

/// <summary>How the images of a checkpoint were prepared: a folder's are prepared as they were, unless told otherwise.</summary>
/// <param name="File">The checkpoint, for errors.</param>
/// <param name="DataName">What they were.</param>
/// <param name="Background">What see-through pixels were laid on; null where alpha was dropped.</param>
/// <param name="Scaling">How pictures were scaled; null where their middle square was, by a triangle.</param>
internal sealed record CheckpointImages(
    string File, string DataName, int Channels, int Height, int Width, Rgb? Background, PictureScaling? Scaling)
{
    public static CheckpointImages Of(string file, LoadedCheckpoint trained)
    {
        var (channels, height, width) = trained.ImageShape;
        return new(file, trained.DataName, channels, height, width, trained.Background, trained.Scaling);
    }

    public static CheckpointImages Of(string file, DataSpec data) =>
        new(file, data.Name, data.Channels, data.Height, data.Width, data.Background, data.Scaling);

    /// <summary>Rows and columns of a folder's pictures.</summary>
    /// <exception cref="UserError">They are not scaled to such a size.</exception>
    public int Side()
    {
        const int Smallest = DatasetOptions.SmallestImageSize, Largest = DatasetOptions.LargestImageSize;
        var takes = $"{File} takes images of {Height}×{Width}";
        if (Height != Width) throw new UserError($"{takes}; squares are what is cut out of a file. Say with --image-size of which side.");
        return Height is >= Smallest and <= Largest
            ? Height
            : throw new UserError($"{takes}; files are scaled to {Smallest} to {Largest} pixels. Say with --image-size to how many.");
    }
}
