using System.Text;

namespace XSepConv.Cli.Terminal;

/// <summary>Lines of text on their way to a terminal or a file, with nothing in them that a terminal would obey.</summary>
internal sealed class PrintableWriter(TextWriter inner) : TextWriter
{
    /// <summary>Where it goes: what must reach a terminal as it is, such as colours, is written there.</summary>
    public TextWriter Inner { get; } = inner;

    public override Encoding Encoding => Inner.Encoding;

    public override void Write(char value) => Write([value]);

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Inner.Write(Printable.Escape(buffer, keepLines: true));

    public override void WriteLine() => Inner.WriteLine();

    public override void WriteLine(string? value) => Inner.WriteLine(Printable.Escape(value, keepLines: true));

    public override void Flush() => Inner.Flush();
}
