namespace XSepConv.Training;

/// <summary>The library that draws is native, and not there for every system: a report does without.</summary>
internal static class Drawing
{
    /// <summary>What was drawn, null where nothing can be; and what is wrong with it, empty where nothing is.</summary>
    public static (T? Drawn, string Problem) Try<T>(Func<T> draw)
        where T : class
    {
        try
        {
            return (draw(), ReportCharts.HasFont ? "" : "The pictures have no text: no font is installed here.");
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or BadImageFormatException
            or EntryPointNotFoundException)
        {
            return (null, $"There are no pictures: they can't be drawn here ({(e.InnerException ?? e).Message}).");
        }
    }
}
