namespace XSepConv.Cli.Commands;

/// <summary>A checkpoint in the runtime.</summary>
internal static class CompiledCheckpoint
{
    /// <exception cref="UserError">Its network is one that the runtime does not run.</exception>
    /// <exception cref="InvalidDataException">It is damaged, or of another program.</exception>
    public static CompiledModel Load(string path)
    {
        try
        {
            return CompiledModel.Load(path);
        }
        catch (NotSupportedException e)
        {
            throw new UserError(e.Message);
        }
    }
}
