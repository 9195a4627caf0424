// To be written by its owner (embed): Embeddings and BaseStore of LangChain over the embedding cache (`op-dbus/langchain`).
export {}
