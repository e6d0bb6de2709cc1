using Spectre.Console;
using Spectre.Console.Rendering;

namespace XSepConv.Cli.Terminal;

/// <summary>The last look at what Spectre writes: its own colours and movements pass, those in a text don't.</summary>
internal sealed class PrintableHook : IRenderHook
{
    public IEnumerable<IRenderable> Process(RenderOptions options, IEnumerable<IRenderable> renderables) =>
        renderables.Select(renderable => new Checked(renderable));

    private sealed class Checked(IRenderable inner) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => inner.Measure(options, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
            inner.Render(options, maxWidth).Select(segment =>
                segment.IsControlCode || segment.IsLineBreak ? segment
                    : new Segment(Printable.Escape(segment.Text, keepLines: true), segment.Style));
    }
}
