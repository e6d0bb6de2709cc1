using System.Collections;
using System.Reflection;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>One place that holds a module: a registration with its parent, a field, or an entry of a collection in a field.</summary>
/// <param name="Refusal">Why no module of another type can be put there; null when it can.</param>
internal sealed record ModulePlace(string? Refusal, Action<nn.Module> Put);

/// <summary>
/// Where the modules of a tree are held. TorchSharp registers children by name, but a module's <c>forward</c> calls its fields, and
/// containers keep lists of their own, so that a replacement has to be put in all of them.
/// </summary>
internal sealed class ModulePlaces
{
    private const int DeepestNesting = 4;
    private readonly Dictionary<nn.Module, List<ModulePlace>> _places = new(ReferenceEqualityComparer.Instance);

    public ModulePlaces(ModuleTree tree)
    {
        foreach (var module in tree.Modules.Where(module => module is not IXSepOperator))
        {
            AddRegistrations(module);
            AddDictionaryEntries(module);
            AddFields(module);
        }
    }

    public IReadOnlyList<ModulePlace> Of(nn.Module module) => _places.TryGetValue(module, out var places) ? places : [];

    private void Add(nn.Module held, Type declared, string what, Action<nn.Module> put, bool readOnly = false)
    {
        var refusal =
            readOnly ? $"{what} is read-only"
            : !CanHold(declared)
                ? $"{what} is declared as {TypeName.Of(declared)}, which can't hold an {nameof(XSepConv2d)}; "
                    + "declare it as Module<Tensor, Tensor>"
            : null;
        if (!_places.TryGetValue(held, out var places)) _places[held] = places = [];
        places.Add(new(refusal, put));
    }

    // Containers such as Sequential answer named_children() from a list in a field instead, which AddFields finds.
    private void AddRegistrations(nn.Module parent)
    {
        if (parent.GetType().GetMethod(nameof(nn.Module.named_children))!.DeclaringType != typeof(nn.Module)) return;
        foreach (var (name, child) in parent.named_children().ToList())
        {
            Add(child, typeof(nn.Module), $"child '{name}'", module => Register(parent, name, module));
        }
    }

    // A name is taken once and new names go to the end, so those after it are registered anew: the order of the state dict stays.
    private static void Register(nn.Module parent, string name, nn.Module module)
    {
        var following = parent.named_children().SkipWhile(child => child.name != name).ToList();
        foreach (var (child, _) in following) parent.register_module(child, null!);
        foreach (var (child, held) in following) parent.register_module(child, child == name ? module : held);
    }

    // ModuleDict keeps a list of pairs and a dictionary; its indexer sets both.
    private void AddDictionaryEntries(nn.Module module)
    {
        if (DictionaryType(module) is not { } type) return;
        var element = type.GetGenericArguments()[0];
        var indexer = type.GetProperty("Item", element, [typeof(string)])!;
        foreach (var (key, child) in module.named_children().ToList())
        {
            Add(child, element, $"the {TypeName.Of(type)}", replacement => indexer.SetValue(module, replacement, [key]));
        }
    }

    private static Type? DictionaryType(nn.Module module)
    {
        for (var type = module.GetType(); type is not null; type = type.BaseType)
        {
            if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ModuleDict<>)) return type;
        }

        return null;
    }

    private void AddFields(nn.Module module)
    {
        for (var type = module.GetType(); type is not null && type.DeclaringType != typeof(nn); type = type.BaseType)
        {
            foreach (
                var field in type.GetFields(
                    BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                if (MayLeadToModules(field.FieldType))
                {
                    Look(field.GetValue(module), field.FieldType, FieldName(field), value => field.SetValue(module, value), DeepestNesting);
                }
            }
        }
    }

    private void Look(object? value, Type declared, string what, Action<object?> put, int deeper)
    {
        switch (value)
        {
            case nn.Module held:
                Add(held, declared, what, put);
                break;
            case IDictionary dictionary when deeper > 0:
                var valueType = ElementType(dictionary.GetType(), typeof(IDictionary<,>), 1);
                if (!MayLeadToModules(valueType)) break;
                foreach (var key in dictionary.Keys.Cast<object>().ToList())
                {
                    Entry(dictionary[key], valueType, dictionary.IsReadOnly, entry => dictionary[key] = entry);
                }

                break;
            case IList list when deeper > 0:
                var itemType = ElementType(list.GetType(), typeof(IList<>), 0);
                if (!MayLeadToModules(itemType)) break;
                for (var i = 0; i < list.Count; i++)
                {
                    var index = i;
                    Entry(list[index], itemType, list.IsReadOnly, entry => list[index] = entry);
                }

                break;
        }

        void Entry(object? entry, Type type, bool readOnly, Action<object?> putEntry)
        {
            var name = $"{TypeName.Of(value.GetType())} in {what}";
            if (entry is nn.Module held) Add(held, type, name, putEntry, readOnly);
            else Look(entry, type, name, putEntry, deeper - 1);
        }
    }

    private static bool CanHold(Type declared) => declared.IsAssignableFrom(typeof(nn.Module<Tensor, Tensor>));

    private static bool MayLeadToModules(Type type) =>
        CanHold(type) || typeof(nn.Module).IsAssignableFrom(type) || (type != typeof(string) && typeof(IEnumerable).IsAssignableFrom(type));

    private static Type ElementType(Type collection, Type definition, int argument) =>
        collection.GetInterfaces().FirstOrDefault(type => type.IsGenericType && type.GetGenericTypeDefinition() == definition)
            ?.GetGenericArguments()[argument]
        ?? typeof(object);

    // The compiler calls the field behind a property `<Name>k__BackingField`.
    private static string FieldName(FieldInfo field) =>
        field.Name.StartsWith('<') && field.Name.IndexOf('>', StringComparison.Ordinal) is var end and > 1
            ? $"property '{field.Name[1..end]}' of {TypeName.Of(field.DeclaringType!)}"
            : $"field '{field.Name}' of {TypeName.Of(field.DeclaringType!)}";
}
