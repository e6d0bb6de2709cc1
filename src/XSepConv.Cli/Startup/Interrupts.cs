using System.Runtime.InteropServices;

namespace XSepConv.Cli.Startup;

/// <summary>
/// Ctrl-C, SIGTERM and SIGHUP: the first asks the work to stop where it can be continued, the second ends the process at once.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    private const string ShowCursor = "\e[?25h";

    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;
    private readonly Action? onFirst;
    private volatile int exitCode = Errors.ExitCode.Interrupted;

    /// <param name="onFirst">Called once, on another thread, when the first signal arrives.</param>
    public Interrupts(Action? onFirst = null)
    {
        this.onFirst = onFirst;
        registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(
            signal => PosixSignalRegistration.Create(signal, Handle))];
    }

    /// <summary>Does work that can be stopped.</summary>
    /// <param name="stopped">What a user is told where a signal ended it.</param>
    /// <param name="work">Gives way to <see cref="Token"/>.</param>
    public static T During<T>(string stopped, Func<Interrupts, T> work)
    {
        using var interrupts = new Interrupts();
        try
        {
            return work(interrupts);
        }
        catch (OperationCanceledException) when (interrupts.Token.IsCancellationRequested)
        {
            throw new Errors.UserError(stopped, interrupts.ExitCode);
        }
    }

    public CancellationToken Token => source.Token;

    /// <summary>What an interrupted program exits with: 128 and the signal's number.</summary>
    public int ExitCode => exitCode;

    public void Dispose()
    {
        foreach (var registration in registrations) registration.Dispose();
        source.Dispose();
    }

    /// <summary>On the signal's thread, also of one that arrives while this is disposed of.</summary>
    internal void Handle(PosixSignalContext context)
    {
        if (source.IsCancellationRequested)
        {
            // The default action follows. A progress bar hid the cursor.
            if (!Console.IsOutputRedirected) Console.Out.Write(ShowCursor);
            return;
        }

        context.Cancel = true;
        exitCode = context.Signal switch
        {
            PosixSignal.SIGTERM => Errors.ExitCode.Terminated,
            PosixSignal.SIGHUP => Errors.ExitCode.HungUp,
            _ => Errors.ExitCode.Interrupted,
        };
        try
        {
            source.Cancel();
            onFirst?.Invoke();
        }
        catch (ObjectDisposedException)
        {
            // What could be stopped has ended.
        }
    }
}
