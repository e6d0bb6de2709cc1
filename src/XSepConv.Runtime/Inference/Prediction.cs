namespace XSepConv;

/// <summary>One of the classes that an image may show.</summary>
/// <param name="Class">Its place among the logits, from 0.</param>
/// <param name="Name">Its name, where the model knows its classes' names.</param>
/// <param name="Probability">By softmax over all classes, from 0 to 1; NaN where a logit is.</param>
public readonly record struct Prediction(int Class, string? Name, float Probability);
