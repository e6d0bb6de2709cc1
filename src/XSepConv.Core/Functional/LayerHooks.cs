using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
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

    /// <summary>Whether a module or one in it has hooks.</summary>
    public static bool Within(nn.Module module) => CanTell && module.modules().OfType<nn.Module<Tensor, Tensor>>().Any(Any);

    /// <summary>
    /// Moves a forward's result out of its scope, and with hooks all else that was made there: what a hook got lives as long as the
    /// caller's scope does.
    /// </summary>
    /// <param name="scope">The forward's own.</param>
    /// <param name="result">Made in it.</param>
    /// <param name="hooked">As it was before the layers ran: a hook may remove itself.</param>
    public static Tensor Leave(this DisposeScope scope, Tensor result, bool hooked)
    {
        if (hooked) scope.LeaveAll();
        else result.MoveToOuterDisposeScope();
        return result;
    }

    /// <summary>
    /// Calls a chain. TorchSharp's disposes each map between its modules: with hooks they are called here, unless the chain has one itself.
    /// </summary>
    public static Tensor Call(this Sequential chain, Tensor x, bool hooked) => hooked && chain.Count > 0 && !Any(chain)
        ? chain.children().Cast<nn.Module<Tensor, Tensor>>().Aggregate(x, (map, module) => module.call(map))
        : chain.call(x);

    /// <summary>Moves all that was made in a scope out of it.</summary>
    public static void LeaveAll(this DisposeScope scope) => scope.MoveToOuter([.. scope.DisposablesView]);

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
