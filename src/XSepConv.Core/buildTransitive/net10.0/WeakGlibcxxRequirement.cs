// Compiled by MSBuild as an inline task (netstandard 2.0, no Span) and into the tests. One file, no other dependency.
#nullable enable
#pragma warning disable IDE0005 // the tests have implicit usings, the inline task has none

using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;

namespace XSepConv.Build;

/// <summary>
/// Copies TorchSharp's Linux library and marks its one requirement of GLIBCXX_3.4.32 weak, so that it also loads where libstdc++ is
/// older (Debian 12, Ubuntu 22.04, RHEL 9). The only symbol of that version, <c>_ZSt21ios_base_library_initv</c>, is never called.
/// </summary>
public class WeakGlibcxxRequirement : Microsoft.Build.Utilities.Task
{
    /// <summary>The library as the package ships it. It is only read.</summary>
    [Required]
    public string Source { get; set; } = "";

    /// <summary>
    /// Where the changed copy goes. Written beside and renamed, so that a hard link to another file is never written through.
    /// </summary>
    [Required]
    public string Destination { get; set; } = "";

    /// <summary>The version whose requirement becomes weak.</summary>
    public string SymbolVersion { get; set; } = "GLIBCXX_3.4.32";

    /// <inheritdoc/>
    public override bool Execute()
    {
        try
        {
            byte[] library = File.ReadAllBytes(Source);
            bool changed = Weaken(library, SymbolVersion);
            WriteWhole(Destination, library);
            Log.LogMessage(MessageImportance.High, changed
                ? $"{Path.GetFileName(Source)}: the requirement of {SymbolVersion} is weak in {Destination} (the system's "
                    + "libstdc++ lacks that version, and the library calls nothing of it)."
                : $"{Path.GetFileName(Source)}: no strong requirement of {SymbolVersion}; copied unchanged to {Destination}.");
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            Log.LogError(
                $"Cannot make the requirement of {SymbolVersion} weak in {Source}: {e.Message} Nothing was changed; set "
                + "TorchSharpWeakGlibcxx to false to build without.");
            return false;
        }
    }

    /// <summary>
    /// Sets the weak flag of the requirement in the bytes of a 64-bit x86 library; one 16-bit word changes, and only after all checks.
    /// </summary>
    /// <returns>False if the library has no such requirement, or has it weak already.</returns>
    /// <exception cref="InvalidDataException">Not such a library, damaged, or it really uses a symbol of that version.</exception>
    public static bool Weaken(byte[] library, string symbolVersion)
    {
        var elf = new Elf(library);
        var flagOffsets = new List<long>();
        foreach (Section needs in elf.SectionsOfType(Elf.VersionNeeds))
            Collect(elf, needs, symbolVersion, flagOffsets);

        bool changed = false;
        foreach (long offset in flagOffsets)
        {
            ushort flags = elf.UInt16(offset);
            if ((flags & Elf.WeakFlag) != 0)
                continue;
            elf.SetUInt16(offset, (ushort)(flags | Elf.WeakFlag));
            changed = true;
        }
        return changed;
    }

    private static void Collect(Elf elf, Section needs, string symbolVersion, List<long> flagOffsets)
    {
        Section names = elf.SectionAt(needs.Link);
        // Entries do not overlap in a sound file, so there are at most this many; a damaged one cannot keep us busy.
        long budget = needs.Size / Elf.VersionEntrySize;
        long need = 0;
        while (true)
        {
            Elf.Within(needs, need, Elf.VersionEntrySize);
            int count = elf.UInt16(needs.Offset + need + 2);
            long next = elf.UInt32(needs.Offset + need + 12);
            long entry = need + elf.UInt32(needs.Offset + need + 8);
            for (int i = 0; i < count; i++)
            {
                Elf.Within(needs, entry, Elf.VersionEntrySize);
                if (--budget < 0)
                    throw new InvalidDataException("its version requirements overlap: the file is damaged.");
                long at = needs.Offset + entry;
                if (elf.TextAt(names, elf.UInt32(at + 8)) == symbolVersion)
                {
                    RefuseIfUsed(elf, elf.UInt16(at + 6), symbolVersion);
                    flagOffsets.Add(at + 4);
                }
                long step = elf.UInt32(at + 12);
                if (step == 0 && i + 1 < count)
                    throw new InvalidDataException($"it announces {count} version requirements and lists {i + 1}: the file is damaged.");
                entry += step;
            }
            if (next == 0)
                return;
            need += next;
        }
    }

    // Weak is right only while nothing is bound to a symbol of that version; a later library may differ.
    private static void RefuseIfUsed(Elf elf, int versionIndex, string symbolVersion)
    {
        var symbols = new HashSet<long>();
        foreach (Section versions in elf.SectionsOfType(Elf.SymbolVersions))
            for (long i = 0; i < versions.Size / 2; i++)
                if ((elf.UInt16(versions.Offset + 2 * i) & 0x7fff) == versionIndex)
                    symbols.Add(i);
        foreach (Section relocations in elf.SectionsOfType(Elf.Relocations))
            for (long at = relocations.Offset; at + 24 <= relocations.Offset + relocations.Size; at += 24)
                if (symbols.Contains(elf.UInt32(at + 12)))
                    throw new InvalidDataException($"it uses a symbol of {symbolVersion}, so it cannot run without it.");
    }

    private static void WriteWhole(string destination, byte[] contents)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(destination))!;
        Directory.CreateDirectory(folder);
        string temporary = Path.Combine(folder, Path.GetFileName(destination) + "." + Guid.NewGuid().ToString("N") + ".tmp");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew))
            {
                stream.Write(contents, 0, contents.Length);
                stream.Flush(flushToDisk: true);
            }
            if (File.Exists(destination))
                File.Replace(temporary, destination, destinationBackupFileName: null);
            else
                File.Move(temporary, destination);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private readonly struct Section
    {
        public Section(uint type, long offset, long size, long link)
        {
            Type = type;
            Offset = offset;
            Size = size;
            Link = link;
        }

        public uint Type { get; }

        public long Offset { get; }

        public long Size { get; }

        public long Link { get; }
    }

    /// <summary>The few parts of an ELF file that matter here; every access is checked against the file's length.</summary>
    private sealed class Elf
    {
        public const uint Relocations = 4, VersionNeeds = 0x6ffffffe, SymbolVersions = 0x6fffffff;
        public const int VersionEntrySize = 16;
        public const ushort WeakFlag = 2;
        private const int HeaderSize = 64, SectionHeaderSize = 64, X86Machine = 62;

        private readonly byte[] _bytes;
        private readonly Section[] _sections;

        public Elf(byte[] bytes)
        {
            _bytes = bytes;
            if (bytes.Length < HeaderSize || bytes[0] != 0x7f || bytes[1] != 'E' || bytes[2] != 'L' || bytes[3] != 'F')
                throw new InvalidDataException("it is not an ELF file.");
            if (bytes[4] != 2 || bytes[5] != 1 || UInt16(18) != X86Machine)
                throw new InvalidDataException("it is not a 64-bit x86 library.");
            long table = Int64(40);
            int count = UInt16(60);
            if (table == 0 || count == 0 || UInt16(58) != SectionHeaderSize)
                throw new InvalidDataException("it has no table of sections.");
            Check(table, (long)count * SectionHeaderSize);
            _sections = new Section[count];
            for (int i = 0; i < count; i++)
            {
                long at = table + (long)i * SectionHeaderSize;
                _sections[i] = new Section(UInt32(at + 4), Int64(at + 24), Int64(at + 32), UInt32(at + 40));
            }
        }

        public IEnumerable<Section> SectionsOfType(uint type)
        {
            foreach (Section section in _sections)
            {
                if (section.Type != type)
                    continue;
                Check(section.Offset, section.Size);
                yield return section;
            }
        }

        public Section SectionAt(long index)
        {
            if (index >= _sections.Length)
                throw new InvalidDataException($"it refers to section {index} of {_sections.Length}: the file is damaged.");
            Section section = _sections[index];
            Check(section.Offset, section.Size);
            return section;
        }

        public static void Within(Section section, long offset, long length)
        {
            if (offset > section.Size - length)
                throw new InvalidDataException("a version requirement lies outside its section: the file is damaged.");
        }

        public string TextAt(Section strings, long offset)
        {
            if (offset >= strings.Size)
                throw new InvalidDataException("a version name lies outside the string table: the file is damaged.");
            long start = strings.Offset + offset, limit = strings.Offset + strings.Size, end = start;
            while (end < limit && _bytes[end] != 0)
                end++;
            return Encoding.ASCII.GetString(_bytes, (int)start, (int)(end - start));
        }

        public ushort UInt16(long at)
        {
            Check(at, 2);
            return BitConverter.ToUInt16(_bytes, (int)at);
        }

        public uint UInt32(long at)
        {
            Check(at, 4);
            return BitConverter.ToUInt32(_bytes, (int)at);
        }

        public void SetUInt16(long at, ushort value)
        {
            Check(at, 2);
            _bytes[at] = (byte)value;
            _bytes[at + 1] = (byte)(value >> 8);
        }

        private long Int64(long at)
        {
            Check(at, 8);
            return BitConverter.ToInt64(_bytes, (int)at);
        }

        private void Check(long at, long length)
        {
            if (at < 0 || length < 0 || at > _bytes.Length - length)
                throw new InvalidDataException(
                    $"it ends at byte {_bytes.Length} where more is announced: the file is truncated or damaged.");
        }
    }
}
