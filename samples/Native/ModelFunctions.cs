using System.Reflection;
using System.Runtime.InteropServices;

namespace XSepConv.Native;

/// <summary>The functions of xsepconv.h about models and errors.</summary>
internal static unsafe class ModelFunctions
{
    private static readonly nint s_version = Version();

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_version")]
    public static nint GetVersion() => s_version;

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_last_error")]
    public static byte* GetLastError() => LastError.Text;

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_load")]
    public static int Load(byte* path, nint* model)
    {
        try
        {
            RequireModelTarget(model);
            *model = Handles.Add(CompiledModel.Load(Arguments.Path(path)));
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_load_memory")]
    public static int LoadMemory(byte* file, nuint size, nint* model)
    {
        try
        {
            RequireModelTarget(model);
            Arguments.RequireFile(file, size);
            using var stream = new UnmanagedMemoryStream(file, (long)size);
            *model = Handles.Add(CompiledModel.Load(stream, "The file in memory"));
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_free")]
    public static int Free(nint handle)
    {
        try
        {
            Handles.Free(handle);
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_num_classes")]
    public static int NumClasses(nint model, int* classes)
    {
        try
        {
            var found = Handles.Find<CompiledModel>(model, "model");
            Arguments.RequireTarget(classes, "classes");
            *classes = found.Spec.NumClasses;
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_num_outputs")]
    public static int NumOutputs(nint model, int* outputs)
    {
        try
        {
            var found = Handles.Find<CompiledModel>(model, "model");
            Arguments.RequireTarget(outputs, "outputs");
            *outputs = found.Spec.Outputs;
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_class_name")]
    public static int ClassName(nint model, int classIndex, byte* name, nuint size, nuint* needed)
    {
        try
        {
            var text = ClassName(Handles.Find<CompiledModel>(model, "model"), classIndex);
            if (name == null && (size > 0 || needed == null)) throw CallException.Argument("name", "is NULL; give the address of a buffer");
            if (needed != null) *needed = (nuint)text.Length;
            if (name == null) return (int)Status.Ok;
            if (size < (nuint)text.Length)
            {
                throw CallException.Argument("size", $"is {size:N0}; the name of class {classIndex} takes {text.Length:N0} bytes");
            }

            text.CopyTo(new Span<byte>(name, text.Length));
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    private static byte[] ClassName(CompiledModel model, int index)
    {
        Arguments.RequireClassifier(model);
        var classes = model.Spec.NumClasses;
        if (index < 0 || index >= classes)
        {
            throw CallException.Argument("class_index", $"is {index:N0}; the model has {classes:N0} classes, counted from 0");
        }

        return model.Data is { } data ? LastError.Encode(data.Classes[index]) : throw new CallException(
            Status.Unsupported, $"The checkpoint does not name its classes (its metadata lacks '{DataSpec.MetadataKey}').");
    }

    private static void RequireModelTarget(nint* model)
    {
        Arguments.RequireTarget(model, "model");
        *model = 0;
        Forks.Refuse();
    }

    // Never freed: whoever asks may keep it.
    private static nint Version()
    {
        var version = typeof(CompiledModel).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        return Marshal.StringToCoTaskMemUTF8(version.Split('+')[0]);
    }
}
