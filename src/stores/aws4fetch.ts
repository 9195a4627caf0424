// What signs requests to S3, in a file of its own in dist. Nothing of ours is in here.
export { AwsClient } from 'aws4fetch'
