using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>What libtorch's engine says of the backward that it is in.</summary>
internal static unsafe class AutogradEngine
{
    // torch::autograd::get_current_graph_task_keep_graph, as the two families of compilers call it.
    private static readonly string[] s_names =
        ["_ZN5torch8autograd33get_current_graph_task_keep_graphEv", "?get_current_graph_task_keep_graph@autograd@torch@@YA_NXZ"];

    private static readonly delegate* unmanaged[Cdecl]<byte> s_keepsGraph = Find();

    /// <summary>Whether it can be asked: not in a libtorch without the function, where saved tensors live as long as their graph.</summary>
    public static bool CanTell => s_keepsGraph != null;

    /// <summary>Whether the graph is retained, so that what was saved is needed again.</summary>
    public static bool KeepsGraph => s_keepsGraph == null || s_keepsGraph() != 0;

    private static delegate* unmanaged[Cdecl]<byte> Find()
    {
        if (!NativeLibrary.TryLoad("torch_cpu", typeof(Tensor).Assembly, null, out var library)) return null;
        foreach (var name in s_names)
        {
            if (NativeLibrary.TryGetExport(library, name, out var function)) return (delegate* unmanaged[Cdecl]<byte>)function;
        }

        return null;
    }
}
