using System.Runtime.CompilerServices;
using static TorchSharp.torch;
using PostHook = System.Func<
    TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>, TorchSharp.torch.Tensor, TorchSharp.torch.Tensor,
    TorchSharp.torch.Tensor>;
using PreHook = System.Func<
    TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>, TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace XSepConv;

/// <summary>Whether a layer has forward hooks. TorchSharp has no way to ask: its fields are read.</summary>
internal static class LayerHooks
{
    /// <summary>Whether this version of TorchSharp has the fields. Where it has not, no layer may be left out.</summary>
    public static bool CanTell { get; } = Try();

    public static bool Any(nn.Module<Tensor, Tensor> layer) =>
        Fields<PreHook, PostHook>.PreHooks(layer).Count + Fields<PreHook, PostHook>.PostHooks(layer).Count
        + Fields<PreHook, PostHook>.ModulePreHooks(layer).Count + Fields<PreHook, PostHook>.ModulePostHooks(layer).Count > 0;

    private static bool Try()
    {
        using var layer = nn.Identity();
        try
        {
            return !Any(layer);
        }
        catch (MissingFieldException)
        {
            return false;
        }
    }

    private static class Fields<TPreHook, TPostHook>
    {
        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "pre_hooks")]
        public static extern ref Dictionary<string, TPreHook> PreHooks(nn.HookableModule<TPreHook, TPostHook> module);

        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "post_hooks")]
        public static extern ref Dictionary<string, TPostHook> PostHooks(nn.HookableModule<TPreHook, TPostHook> module);

        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "module_pre_hooks")]
        public static extern ref Dictionary<string, Action<nn.Module>> ModulePreHooks(nn.HookableModule<TPreHook, TPostHook> module);

        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "module_post_hooks")]
        public static extern ref Dictionary<string, Action<nn.Module>> ModulePostHooks(nn.HookableModule<TPreHook, TPostHook> module);
    }
}
