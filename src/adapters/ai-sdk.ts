// To be written by its owner (embed): a model of the AI SDK (specification v3) over the embedding cache (`op-dbus/ai-sdk`).
export {}
