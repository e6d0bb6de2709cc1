using System.Globalization;
using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>A line an epoch, in columns.</summary>
internal static class EpochLine
{
    // 78 columns with the star, so that a line fits a terminal of 80.
    public static string Header => " epoch  train loss  top-1 %   val loss  top-1 %     rate  images/s     time";

    public static string For(EpochResult epoch)
    {
        var speed = epoch.ImagesPerSecond is { } perSecond ? perSecond.ToString("N0", CultureInfo.InvariantCulture) : "–";
        var time = epoch.Seconds is { } seconds ? Duration(TimeSpan.FromSeconds(seconds)) : "–";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{epoch.Epoch,6}  {epoch.TrainLoss,10:0.0000}  {100 * epoch.TrainTop1,7:0.00}  {epoch.ValidationLoss,9:0.0000}  {100 * epoch.ValidationTop1,7:0.00}  {epoch.LearningRate,7:0.00000}  {speed,8}  {time,7}{(epoch.Best ? " *" : "")}");
    }

    /// <summary>m:ss, or h:mm:ss.</summary>
    public static string Duration(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}")
        : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00}");
}
