// Next as it comes, but that two builds of it lie side by side.
export default { distDir: process.env.DIST_DIR }
