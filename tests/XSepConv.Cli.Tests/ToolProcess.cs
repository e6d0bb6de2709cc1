using System.Diagnostics;
using System.Runtime.InteropServices;

namespace XSepConv.Cli.Tests;

/// <summary>The built program as a process of its own, as a user runs it.</summary>
internal sealed partial class ToolProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(300);

    private readonly Process process;
    private readonly Task<string>? output;
    private readonly Task<string> error;

    private ToolProcess(string[] args, (string Name, string Value)[] environment, params string[] under)
        : this(AppContext.BaseDirectory, args, environment, under)
    {
    }

    private ToolProcess(
        string folder, string[] args, (string Name, string Value)[] environment, string[] under, bool talks = false)
    {
        string[] starter = [.. under, "dotnet"];
        var start = new ProcessStartInfo(starter[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var arg in starter[1..]) start.ArgumentList.Add(arg);
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(Path.Combine(folder, "xsepconv.dll"));
        foreach (var arg in args) start.ArgumentList.Add(arg);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        process = Process.Start(start)!;
        if (!talks) output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    /// <summary>Its standard input, nothing of which waits here.</summary>
    public Stream Input => process.StandardInput.BaseStream;

    /// <summary>Bytes of memory that it occupies.</summary>
    public long WorkingSet
    {
        get
        {
            process.Refresh();
            return process.WorkingSet64;
        }
    }

    public static ToolProcess Start(params string[] args) => new(args, []);

    /// <summary>Starts it, to be written to and read from line by line.</summary>
    public static ToolProcess Talk(params string[] args) => new(AppContext.BaseDirectory, args, [], [], talks: true);

    /// <summary>Starts it under another program: <c>mpirun</c>, a shell.</summary>
    public static ToolProcess StartUnder(string[] under, params string[] args) => new(args, [], under);

    public static async Task<(int ExitCode, string Out, string Error)> Run(params string[] args)
    {
        using var tool = Start(args);
        return await tool.Finish();
    }

    public static async Task<(int ExitCode, string Out, string Error)> RunWith(
        (string Name, string Value)[] environment, params string[] args)
    {
        using var tool = new ToolProcess(args, environment);
        return await tool.Finish();
    }

    /// <summary>Runs a copy of the program in another folder.</summary>
    public static async Task<(int ExitCode, string Out, string Error)> RunFrom(
        string folder, (string Name, string Value)[] environment, params string[] args)
    {
        using var tool = new ToolProcess(folder, args, environment, []);
        return await tool.Finish();
    }

    public static async Task<(int ExitCode, string Out, string Error)> RunUnder(string[] under, params string[] args)
    {
        using var tool = StartUnder(under, args);
        return await tool.Finish();
    }

    /// <summary>The next line of its output; null at the end.</summary>
    public async Task<string?> ReadLine()
    {
        using var limit = Limit();
        return await process.StandardOutput.ReadLineAsync(limit.Token);
    }

    /// <summary>Waits for its end. What was not read is read.</summary>
    public async Task<(int ExitCode, string Out, string Error)> Finish()
    {
        using var limit = Limit();
        var rest = output ?? process.StandardOutput.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await rest, await error);
    }

    private static CancellationTokenSource Limit()
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        return limit;
    }

    // Linux tells the ignored signals as bits; the first signal is bit 0.
    private bool IsDeafTo(Signal signal) =>
        OperatingSystem.IsLinux() && File.ReadLines($"/proc/{process.Id}/status").Any(line => line.StartsWith(
            "SigIgn:", StringComparison.Ordinal) && (Convert.ToUInt64(line[7..].Trim(), 16) & (1UL << ((int)signal - 1))) != 0);

    public void Kill() => process.Kill();

    /// <summary>What Ctrl-C in a terminal sends. A shell starts its background jobs deaf to it, and so what they start.</summary>
    public void Interrupt()
    {
        Assert.SkipWhen(IsDeafTo(Signal.Interrupt),
            "These tests were started with SIGINT ignored, as a background job of a shell is; start them in the foreground.");
        Assert.Equal(0, Kill(process.Id, Signal.Interrupt));
    }

    /// <summary>What a terminal that is closed sends. <c>nohup</c> starts its program deaf to it.</summary>
    public void HangUp()
    {
        Assert.SkipWhen(IsDeafTo(Signal.HangUp), "These tests were started with SIGHUP ignored, as nohup does.");
        Assert.Equal(0, Kill(process.Id, Signal.HangUp));
    }

    public void Terminate() => Assert.Equal(0, Kill(process.Id, Signal.Terminate));

    /// <summary>Sends a signal to the processes that it has started (Linux).</summary>
    public void SignalChildren(string signal)
    {
        var sent = signal switch { "HUP" => Signal.HangUp, "INT" => Signal.Interrupt, _ => Signal.Terminate };
        Assert.SkipWhen(signal != "KILL" && IsDeafTo(sent), $"These tests were started with SIG{signal} ignored, and so are the children.");
        var children = Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(IsChild).ToList();
        Assert.NotEmpty(children);
        foreach (var child in children)
        {
            using var kill = Process.Start("bash", ["-c", $"kill -{signal} {child}"]);
            kill.WaitForExit();
            Assert.Equal(0, kill.ExitCode);
        }

        bool IsChild(string? name)
        {
            if (!int.TryParse(name, out _)) return false;
            try
            {
                // "12 (a name) S 34 …": the parent is the fourth.
                var stat = File.ReadAllText($"/proc/{name}/stat");
                return stat[stat.LastIndexOf(')')..].Split(' ')[2] == $"{process.Id}";
            }
            catch (IOException)
            {
                // It has ended.
                return false;
            }
        }
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int processId, Signal signal);

    private enum Signal
    {
        HangUp = 1,
        Interrupt = 2,
        Terminate = 15,
    }
}
