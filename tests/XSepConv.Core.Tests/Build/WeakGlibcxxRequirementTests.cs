using System.Buffers.Binary;
using System.Collections;
using System.Reflection;
using System.Text;
using Microsoft.Build.Framework;
using XSepConv.Build;

namespace XSepConv.Core.Tests.Build;

public sealed class WeakGlibcxxRequirementTests : IDisposable
{
    private const string Version = "GLIBCXX_3.4.32";

    private static readonly string Package = typeof(WeakGlibcxxRequirementTests).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "TorchSharpLinuxLibrary").Value!;

    private readonly string _folder = Directory.CreateTempSubdirectory("weak-glibcxx-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Only_the_weak_flag_of_the_one_requirement_changes()
    {
        byte[] before = File.ReadAllBytes(Package);
        byte[] after = (byte[])before.Clone();

        Assert.True(WeakGlibcxxRequirement.Weaken(after, Version));

        int[] differing = [.. Enumerable.Range(0, before.Length).Where(i => before[i] != after[i])];
        int at = Assert.Single(differing);
        Assert.Equal(0, before[at]);
        Assert.Equal(2, after[at]);
        // Elf64_Vernaux: hash (4 bytes), flags (2), version index (2), name (4). The hash of the name (System V ABI) stands before the flags.
        Assert.Equal(ElfHash(Version), BinaryPrimitives.ReadUInt32LittleEndian(before.AsSpan(at - 4)));
    }

    [Fact]
    public void The_library_this_process_runs_on_is_the_package_s_or_that_one_flag_away()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The library of Linux.");
        byte[] expected = File.ReadAllBytes(Package);
        string used = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        byte[] actual = File.ReadAllBytes(used);
        if (!actual.AsSpan().SequenceEqual(expected))
            WeakGlibcxxRequirement.Weaken(expected, Version);
        Assert.True(actual.AsSpan().SequenceEqual(expected), $"{used} differs from the package's in more than the flag.");
    }

    [Fact]
    public void A_second_time_changes_nothing()
    {
        byte[] once = File.ReadAllBytes(Package);
        WeakGlibcxxRequirement.Weaken(once, Version);
        byte[] twice = (byte[])once.Clone();
        Assert.False(WeakGlibcxxRequirement.Weaken(twice, Version));
        Assert.Equal(once, twice);
    }

    [Fact]
    public void A_library_without_the_requirement_stays_as_it_is()
    {
        byte[] library = File.ReadAllBytes(Package);
        byte[] before = (byte[])library.Clone();
        Assert.False(WeakGlibcxxRequirement.Weaken(library, "GLIBCXX_9.9.99"));
        Assert.Equal(before, library);
    }

    [Fact]
    public void A_version_that_is_really_used_is_refused()
    {
        byte[] library = File.ReadAllBytes(Package);
        byte[] before = (byte[])library.Clone();
        // GLIBCXX_3.4 holds operator<< and the stream constructors, which the library calls.
        var error = Assert.Throws<InvalidDataException>(() => WeakGlibcxxRequirement.Weaken(library, "GLIBCXX_3.4"));
        Assert.Contains("uses a symbol of GLIBCXX_3.4", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, library);
    }

    [Fact]
    public void The_task_writes_a_new_file_and_leaves_a_hard_linked_original_alone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Hard links are made with link(2).");
        string original = Path.Combine(_folder, "cache.so");
        string linked = Path.Combine(_folder, "output.so");
        File.Copy(Package, original);
        Assert.Equal(0, Link(original, linked));

        var log = new LogRecorder();
        Assert.True(new WeakGlibcxxRequirement { Source = original, Destination = linked, BuildEngine = log }.Execute());

        byte[] package = File.ReadAllBytes(Package);
        Assert.True(File.ReadAllBytes(original).AsSpan().SequenceEqual(package), "The original was written through the link.");
        Assert.False(File.ReadAllBytes(linked).AsSpan().SequenceEqual(package), "The copy was not changed.");
        Assert.Contains("is weak", Assert.Single(log.Messages), StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("text")]
    [InlineData("zeros")]
    [InlineData("half")]
    [InlineData("header only")]
    [InlineData("last byte missing")]
    [InlineData("32-bit")]
    [InlineData("big-endian")]
    [InlineData("arm64")]
    [InlineData("sections far away")]
    [InlineData("no sections")]
    public void A_truncated_or_foreign_file_is_refused_and_left_alone(string kind)
    {
        byte[] library = File.ReadAllBytes(Package);
        byte[] bad = kind switch
        {
            "empty" => [],
            "text" => Encoding.UTF8.GetBytes("version https://git-lfs.github.com/spec/v1\noid sha256:0123456789\nsize 2399008\n and some more"),
            "zeros" => new byte[4096],
            "half" => library[..(library.Length / 2)],
            "header only" => library[..64],
            "last byte missing" => library[..^1],
            "32-bit" => With(library, 4, 1),
            "big-endian" => With(library, 5, 2),
            "arm64" => With(library, 18, 183),
            "sections far away" => With(library, 47, 0x7f),
            "no sections" => With(With(library, 60, 0), 61, 0),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
        string source = Path.Combine(_folder, "bad.so");
        string destination = Path.Combine(_folder, "out.so");
        File.WriteAllBytes(source, bad);
        File.WriteAllText(destination, "what was there");

        var log = new LogRecorder();
        Assert.False(new WeakGlibcxxRequirement { Source = source, Destination = destination, BuildEngine = log }.Execute());

        Assert.Contains(source, Assert.Single(log.Errors), StringComparison.Ordinal);
        Assert.Equal(bad, File.ReadAllBytes(source));
        Assert.Equal("what was there", File.ReadAllText(destination));
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    [Fact]
    public void Random_damage_ends_in_a_refusal_or_in_at_most_a_flag()
    {
        byte[] sound = File.ReadAllBytes(Package);
        var random = new Random(20021204);
        int needs = IndexOfRequirements(sound);
        long table = BinaryPrimitives.ReadInt64LittleEndian(sound.AsSpan(40));
        for (int round = 0; round < 300; round++)
        {
            // Damage where it is read: the header, the table of sections, the version requirements.
            byte[] damaged = (byte[])sound.Clone();
            for (int i = random.Next(1, 6); i > 0; i--)
            {
                int at = random.Next(3) switch
                {
                    0 => random.Next(64),
                    1 => (int)table + random.Next(damaged.Length - (int)table),
                    _ => needs + random.Next(0x210),
                };
                damaged[at] = (byte)random.Next(256);
            }
            byte[] before = (byte[])damaged.Clone();
            try
            {
                if (WeakGlibcxxRequirement.Weaken(damaged, Version))
                    before[before.AsSpan().CommonPrefixLength(damaged)] |= 2;
                Assert.True(damaged.AsSpan().SequenceEqual(before), $"More than one flag changed in round {round}.");
            }
            catch (InvalidDataException)
            {
                Assert.True(damaged.AsSpan().SequenceEqual(before), $"Refused, yet changed in round {round}.");
            }
        }
    }

    private static byte[] With(byte[] bytes, int at, byte value)
    {
        byte[] copy = (byte[])bytes.Clone();
        copy[at] = value;
        return copy;
    }

    private static int IndexOfRequirements(byte[] library)
    {
        long table = BinaryPrimitives.ReadInt64LittleEndian(library.AsSpan(40));
        for (int at = (int)table; ; at += 64)
            if (BinaryPrimitives.ReadUInt32LittleEndian(library.AsSpan(at + 4)) == 0x6ffffffe)
                return (int)BinaryPrimitives.ReadInt64LittleEndian(library.AsSpan(at + 24));
    }

    private static uint ElfHash(string name)
    {
        uint hash = 0;
        foreach (char c in name)
        {
            hash = (hash << 4) + c;
            uint high = hash & 0xf0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }
        return hash;
    }

    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "link", CharSet = System.Runtime.InteropServices.CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [System.Runtime.InteropServices.DefaultDllImportSearchPaths(System.Runtime.InteropServices.DllImportSearchPath.SafeDirectories)]
    private static extern int Link(string existing, string created);

    private sealed class LogRecorder : IBuildEngine
    {
        public List<string> Messages { get; } = [];

        public List<string> Errors { get; } = [];

        public bool ContinueOnError => false;

        public int LineNumberOfTaskNode => 0;

        public int ColumnNumberOfTaskNode => 0;

        public string ProjectFileOfTaskNode => "";

        public void LogErrorEvent(BuildErrorEventArgs e) => Errors.Add(e.Message!);

        public void LogWarningEvent(BuildWarningEventArgs e) => Errors.Add(e.Message!);

        public void LogMessageEvent(BuildMessageEventArgs e) => Messages.Add(e.Message!);

        public void LogCustomEvent(CustomBuildEventArgs e) => Messages.Add(e.Message!);

        public bool BuildProjectFile(string projectFileName, string[] targetNames, IDictionary globalProperties, IDictionary targetOutputs) => false;
    }
}
