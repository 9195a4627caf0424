// Stands in a bundle for packages that those we bundle ask for at their start, and need only for what we never ask of them.
module.exports = {}
