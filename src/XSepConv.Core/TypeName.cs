namespace XSepConv;

/// <summary>Names of types for messages: with the namespace, since libraries share short ones, and as C# writes them.</summary>
internal static class TypeName
{
    public static string Of(Type type)
    {
        if (type.IsArray) return $"{Of(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (type.IsGenericParameter) return type.Name;
        // Those of a nested type are those of the types around it, and its own.
        var arguments = type.GetGenericArguments();
        var definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        var (text, used) = (new System.Text.StringBuilder(), 0);
        foreach (var part in (definition.FullName ?? definition.Name).Split('+'))
        {
            var halves = part.Split('`');
            if (text.Length > 0) text.Append('.');
            text.Append(halves[0]);
            if (halves.Length < 2) continue;
            var own = arguments.Skip(used).Take(int.Parse(halves[1], System.Globalization.CultureInfo.InvariantCulture)).ToList();
            used += own.Count;
            text.Append('<').AppendJoin(", ", own.Select(Of)).Append('>');
        }

        return text.ToString();
    }
}
